package clean_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
)

// chains are columns as specs have them. Cleaning what is clean changes nothing in those that are stable.
func chains(t testing.TB) map[string]struct {
	cleaner *clean.Cleaner
	of      pipeline.ColumnType
	stable  bool
} {
	type chain = struct {
		cleaner *clean.Cleaner
		of      pipeline.ColumnType
		stable  bool
	}
	all := map[string]chain{}
	for _, of := range []pipeline.ColumnType{
		pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category, pipeline.Day, pipeline.Timestamp, pipeline.Text,
	} {
		all[string(of)] = chain{cleaner(t, of), of, true}
		all[string(of)+" with steps"] = chain{cleaner(t, of, trim(), letters("lower"), mapped(map[string]string{"a": "b"}), codes("none", "-9", "n/a")), of, true}
	}
	all["upper"] = chain{cleaner(t, pipeline.Category, letters("upper"), trim()), pipeline.Category, true}
	all["dates"] = chain{cleaner(t, pipeline.Day, dates(0, "M/D/YYYY", "D-MMM-YY")), pipeline.Day, false}
	all["dates, then codes"] = chain{cleaner(t, pipeline.Day, dates(0, "M/D/YYYY", "D-MMM-YY"), codes("never", "2999-12-31")), pipeline.Day, false}
	all["amount"] = chain{cleaner(t, pipeline.Number, amount("$", "", "")), pipeline.Number, true}
	all["euro"] = chain{cleaner(t, pipeline.Decimal, amount("€", ".", ",")), pipeline.Decimal, true}
	all["amount, then codes and a clip"] = chain{cleaner(t, pipeline.Integer, amount("$", "", ""), codes("none", "0"), clip(bound(-5), bound(1e6))), pipeline.Integer, true}
	return all
}

// written is a clean value as the platform writes it: a row of a table, a request.
func written(t *testing.T, of pipeline.ColumnType, v clean.Value) string {
	switch of {
	case pipeline.Boolean:
		return strconv.FormatBool(v.Number == 1)
	case pipeline.Integer:
		return strconv.FormatInt(v.Integer, 10)
	case pipeline.Number:
		text, err := json.Marshal(v.Number)
		require.NoError(t, err)
		return string(text)
	case pipeline.Decimal:
		return strconv.FormatInt(v.Integer, 10) + "e-4"
	case pipeline.Day:
		return time.Unix(86400*v.Integer, 0).UTC().Format(pipeline.DateLayout)
	case pipeline.Timestamp:
		return time.UnixMicro(v.Integer).UTC().Format(time.RFC3339Nano)
	}
	return v.Text
}

// Nothing panics; a value is one of its type; and a clean value is cleaned to itself.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		"", " ", "0", "-9", "-9.0", "1e100", "$1,234.50", "(12.00)", "1.234,50 €", "6/30/2026", "28-Feb-97", "2026-06-30", "2026-06-30T15:04:05.123456789+02:00", "2026-06-30 15:04:05+00",
		"true", "Yes", "Cafe\u0301", "\u00a0ǰ ", "İ", "ß", "\xff", "a\x00b", "9223372036854775808", "0.00001", "99999999999999.9999", ".", "1e-400", "1e5", "€.5",
	} {
		f.Add(seed)
	}
	all := chains(f)
	f.Fuzz(func(t *testing.T, raw string) {
		for name, c := range all {
			v, fault := c.cleaner.Clean(raw)
			if _, literalFault := c.cleaner.CleanLiteral(raw); name != "euro" {
				require.Equal(t, fault, literalFault, name)
			}
			if fault != clean.None {
				require.Equal(t, clean.Value{}, v, name)
				require.NotEmpty(t, c.cleaner.Words(fault), name)
				continue
			}
			if v.Missing {
				require.Equal(t, clean.Value{Missing: true, Reason: v.Reason}, v, name)
				continue
			}
			require.LessOrEqual(t, math.Abs(v.Number), pipeline.MaxNumber, name)
			require.True(t, utf8.ValidString(v.Text) && norm.NFC.IsNormalString(v.Text), name)
			if !c.stable {
				continue
			}
			again, fault := c.cleaner.CleanLiteral(written(t, c.of, v))
			require.Equal(t, clean.None, fault, "%s: %q gives %+v", name, raw, v)
			require.Equal(t, v, again, "%s: %q", name, raw)
		}
	})
}

// A number is what strconv makes of it.
func FuzzNumbersAreThoseOfStrconv(f *testing.F) {
	for _, seed := range []string{"0", "-0", "0.1", "1e22", "1e-22", "9007199254740993", "123456789012345678901234567890e-10", "4.9e-324", "1e-400", "1.", "+.5", "0x1", "1_0", "inf"} {
		f.Add(seed)
	}
	c := cleaner(f, pipeline.Number)
	f.Fuzz(func(t *testing.T, raw string) {
		got, fault := c.Clean(raw)
		want, err := strconv.ParseFloat(raw, 64)
		switch {
		case fault == clean.None && err == nil:
			require.Equal(t, math.Float64bits(want+0), math.Float64bits(got.Number), "%q", raw)
		case fault == clean.None: // blanks, which strconv refuses
			require.True(t, got.Missing || raw != "" && (raw[0] == ' ' || raw[0] == '\t' || raw[len(raw)-1] == ' ' || raw[len(raw)-1] == '\t'), "%q: %s", raw, err)
		case fault == clean.NoNumber && err == nil:
			require.Regexp(t, `(?i)inf|nan|0x|_`, raw)
		}
	})
}
