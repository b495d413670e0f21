package clean_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// column is the name of the column that the tests clean.
const column = "x"

var only = []string{column}

func cleaner(t testing.TB, of pipeline.ColumnType, steps ...pipeline.CleanStep) *clean.Cleaner {
	t.Helper()
	c, err := clean.New(steps, column, of)
	require.NoError(t, err)
	return c
}

func trim() pipeline.CleanStep { return pipeline.CleanStep{Trim: &pipeline.Trim{Columns: only}} }

func letters(to string) pipeline.CleanStep {
	return pipeline.CleanStep{Case: &pipeline.Case{Columns: only, To: to}}
}

func mapped(values map[string]string) pipeline.CleanStep {
	return pipeline.CleanStep{Map: &pipeline.Map{Columns: only, Values: values}}
}

func codes(reason string, codes ...string) pipeline.CleanStep {
	return pipeline.CleanStep{Missing: &pipeline.Codes{Columns: only, Codes: codes, Reason: reason}}
}

func dates(pivot int, formats ...string) pipeline.CleanStep {
	return pipeline.CleanStep{Date: &pipeline.DateIn{Columns: only, Formats: formats, Pivot: pivot}}
}

func amount(currency, thousands, decimal string) pipeline.CleanStep {
	return pipeline.CleanStep{Amount: &pipeline.Amount{Columns: only, Currency: currency, Thousands: thousands, Decimal: decimal}}
}

func clip(low, high *float64) pipeline.CleanStep {
	return pipeline.CleanStep{Clip: &pipeline.Clip{Columns: only, Min: low, Max: high}}
}

func bound(x float64) *float64 { return &x }

// reading is one raw text and what becomes of it.
type reading struct {
	raw   string
	want  clean.Value
	fault clean.Fault
}

func check(t *testing.T, c *clean.Cleaner, readings []reading) {
	t.Helper()
	for _, r := range readings {
		got, fault := c.Clean(r.raw)
		require.Equal(t, r.fault, fault, "%q", r.raw)
		require.Equal(t, r.want, got, "%q", r.raw)
	}
}

var missing = clean.Value{Missing: true}

// Wanted values are the nearest float64 of the number as Go's compiler reads it.
func TestNumbers(t *testing.T) {
	t.Parallel()
	number := func(x float64) clean.Value { return clean.Value{Number: x} }
	check(t, cleaner(t, pipeline.Number), []reading{
		{"", missing, 0}, {" \t ", missing, 0},
		{"0", number(0), 0}, {"-1.5", number(-1.5), 0}, {"+7", number(7), 0}, {"007", number(7), 0}, {".5", number(0.5), 0}, {"2.", number(2), 0},
		{" 3.25\t", number(3.25), 0}, {"1e3", number(1000), 0}, {"1E-3", number(0.001), 0}, {"-2.5e+1", number(-25), 0},
		{"0.1", number(0.1), 0}, {"123456789.123", number(123456789.123), 0}, {"9007199254740993", number(9007199254740992), 0},
		{"3.141592653589793238462643383279", number(math.Pi), 0}, {"1e22", number(1e22), 0}, {"1e23", number(1e23), 0},
		{"4.9e-324", number(math.SmallestNonzeroFloat64), 0}, {"1e-400", number(0), 0}, {"0e999999999999", number(0), 0},
		{"1e100", number(1e100), 0}, {"-1e100", number(-1e100), 0},
		{"1.1e100", clean.Value{}, clean.TooLarge}, {"-1e999999999999999999", clean.Value{}, clean.TooLarge},
		{"1" + strings.Repeat("0", 101), clean.Value{}, clean.TooLarge},
	})
	for _, raw := range []string{
		".", "-", "+", "e5", "1e", "1e+", "--1", "+-1", "1.2.3", "1 2", "1,5", "$5", "0x10", "1_000", "inf", "-Infinity", "nan", "NaN", "1f", "٣", "－1", "1\n", "\u00a01", "true",
	} {
		_, fault := cleaner(t, pipeline.Number).Clean(raw)
		require.Equal(t, clean.NoNumber, fault, "%q", raw)
	}
	zero, _ := cleaner(t, pipeline.Number).Clean("-0.0")
	require.False(t, math.Signbit(zero.Number), "there is one zero")
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	integer := func(n int64) clean.Value { return clean.Value{Integer: n, Number: float64(n)} }
	check(t, cleaner(t, pipeline.Integer), []reading{
		{"", missing, 0}, {"3", integer(3), 0}, {"3.0", integer(3), 0}, {"-3.000", integer(-3), 0}, {"30e-1", integer(3), 0}, {"3e2", integer(300), 0}, {"0.0", integer(0), 0},
		{"0.5e1", integer(5), 0}, {"9223372036854775807", integer(math.MaxInt64), 0}, {"-9223372036854775807", integer(-math.MaxInt64), 0},
		{"1." + strings.Repeat("0", 40), integer(1), 0}, {"0e-99999", integer(0), 0},
		{"3.5", clean.Value{}, clean.NotWhole}, {"1e-1", clean.Value{}, clean.NotWhole}, {"1." + strings.Repeat("0", 40) + "1", clean.Value{}, clean.NotWhole},
		{"9223372036854775808", clean.Value{}, clean.TooLarge}, {"1e19", clean.Value{}, clean.TooLarge}, {"1e999", clean.Value{}, clean.TooLarge},
		{"three", clean.Value{}, clean.NoNumber},
	})
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	check(t, cleaner(t, pipeline.Decimal), []reading{
		{"", missing, 0}, {"1234.5", clean.Value{Integer: 12345000, Number: 1234.5}, 0}, {"0.1", clean.Value{Integer: 1000, Number: 0.1}, 0},
		{"-0.0001", clean.Value{Integer: -1, Number: -0.0001}, 0}, {"7", clean.Value{Integer: 70000, Number: 7}, 0}, {"1.2300000000", clean.Value{Integer: 12300, Number: 1.23}, 0},
		{"1e3", clean.Value{Integer: 10000000, Number: 1000}, 0}, {"-0", clean.Value{}, 0},
		{"99999999999999.9999", clean.Value{Integer: 999999999999999999, Number: 99999999999999.9999}, 0},
		{"100000000000000", clean.Value{}, clean.TooLarge}, {"0.00001", clean.Value{}, clean.TooFine}, {"1.23456", clean.Value{}, clean.TooFine},
		{"1e-5", clean.Value{}, clean.TooFine}, {"$5", clean.Value{}, clean.NoNumber},
	})
	require.InDelta(t, 0.1234, clean.DecimalNumber(1234), 0)
}

func TestBooleans(t *testing.T) {
	t.Parallel()
	c := cleaner(t, pipeline.Boolean)
	for _, raw := range []string{"true", "True", "TRUE", "t", "T", "yes", "YES", "y", "1", "1.0", "10e-1", " true "} {
		check(t, c, []reading{{raw, clean.Value{Number: 1}, 0}})
	}
	for _, raw := range []string{"false", "False", "f", "no", "No", "n", "N", "0", "0.0", "-0"} {
		check(t, c, []reading{{raw, clean.Value{}, 0}})
	}
	for _, raw := range []string{"2", "-1", "on", "tru", "yeſ", "10", "0.1", "ja", "1.00000000000000000001"} {
		check(t, c, []reading{{raw, clean.Value{}, clean.NoBoolean}})
	}
	check(t, c, []reading{{"", missing, 0}, {" ", missing, 0}})
}

// Wanted values come from package time.
func TestDates(t *testing.T) {
	t.Parallel()
	day := func(year int, month time.Month, day int) clean.Value {
		return clean.Value{Integer: time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400}
	}
	check(t, cleaner(t, pipeline.Day), []reading{
		{"", missing, 0}, {"1970-01-01", clean.Value{}, 0}, {"2026-06-30", day(2026, 6, 30), 0}, {" 2024-02-29 ", day(2024, 2, 29), 0}, {"2000-02-29", day(2000, 2, 29), 0},
		{"1969-12-31", day(1969, 12, 31), 0}, {"1800-01-01", day(1800, 1, 1), 0}, {"2999-12-31", day(2999, 12, 31), 0},
	})
	for _, raw := range []string{"2026-6-30", "2026-06-31", "2023-02-29", "1900-02-29", "2026-00-10", "2026-13-01", "2026-01-00", "1799-12-31", "3000-01-01", "6/30/2026", "2026-06-30T00:00:00", "2026/06/30", "20260630", "-026-01-01"} {
		check(t, cleaner(t, pipeline.Day), []reading{{raw, clean.Value{}, clean.NoDate}})
	}
	sba := cleaner(t, pipeline.Day, dates(0, "M/D/YYYY", "M/D/YY"))
	check(t, sba, []reading{
		{"6/30/2026", day(2026, 6, 30), 0}, {"06/03/2026", day(2026, 6, 3), 0}, {"1/2/97", day(1997, 1, 2), 0}, {"12/31/69", day(2069, 12, 31), 0}, {"12/31/70", day(1970, 12, 31), 0},
		{" 1/2/97 ", day(1997, 1, 2), 0}, {"  ", missing, 0},
		{"2026-06-30", clean.Value{}, clean.NoDate}, {"30/6/2026", clean.Value{}, clean.NoDate}, {"2/29/2023", clean.Value{}, clean.NoDate}, {"1/2/197", clean.Value{}, clean.NoDate},
		{"1/2/97x", clean.Value{}, clean.NoDate}, {"001/2/97", clean.Value{}, clean.NoDate}, {"1//97", clean.Value{}, clean.NoDate},
	})
	require.Equal(t, "is no date in M/D/YYYY or M/D/YY", sba.Words(clean.NoDate))
	check(t, cleaner(t, pipeline.Day, dates(1950, "D-MMM-YY")), []reading{
		{"28-Feb-97", day(1997, 2, 28), 0}, {"1-SEP-49", day(2049, 9, 1), 0}, {"1-sep-50", day(1950, 9, 1), 0}, {"1-Sept-50", clean.Value{}, clean.NoDate}, {"1-9-50", clean.Value{}, clean.NoDate},
	})
	check(t, cleaner(t, pipeline.Day, dates(0, "MM/DD/YYYY")), []reading{{"01/02/2020", day(2020, 1, 2), 0}, {"1/2/2020", clean.Value{}, clean.NoDate}})
	check(t, cleaner(t, pipeline.Day, dates(0, "YYYYMMDD", "DMMMYYYY")), []reading{{"20200102", day(2020, 1, 2), 0}, {"1jan2020", day(2020, 1, 1), 0}, {"2020012", clean.Value{}, clean.NoDate}})
	check(t, cleaner(t, pipeline.Day, dates(0, "M/D/YY"), codes("unknown", "1900-01-01", "2000-01-01")), []reading{
		{"1/1/00", clean.Value{Missing: true, Reason: "unknown"}, 0}, {"1/2/00", day(2000, 1, 2), 0}, {" ", missing, 0}, {"x", clean.Value{}, clean.NoDate},
	})
}

// Every day of the calendar is counted as package time counts it.
func TestDaysAreThoseOfTheCalendar(t *testing.T) {
	t.Parallel()
	c := cleaner(t, pipeline.Day)
	for day := time.Date(pipeline.MinYear, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() <= pipeline.MaxYear; day = day.AddDate(0, 0, 1) {
		got, fault := c.Clean(day.Format(pipeline.DateLayout))
		if fault != clean.None || got.Integer != day.Unix()/86400 {
			t.Fatalf("%s is day %d, %d is wanted", day, got.Integer, day.Unix()/86400)
		}
	}
}

// Wanted values come from package time's RFC 3339.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	at := func(text string) clean.Value {
		instant, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		return clean.Value{Integer: instant.UnixMicro()}
	}
	c := cleaner(t, pipeline.Timestamp)
	check(t, c, []reading{
		{"", missing, 0}, {"1970-01-01T00:00:00Z", clean.Value{}, 0}, {"2026-06-30T15:04:05Z", at("2026-06-30T15:04:05Z"), 0}, {"2026-06-30t15:04:05z", at("2026-06-30T15:04:05Z"), 0},
		{"2026-06-30T15:04:05+02:00", at("2026-06-30T13:04:05Z"), 0}, {"2026-06-30 15:04:05+00", at("2026-06-30T15:04:05Z"), 0}, {"2026-06-30 15:04:05-0530", at("2026-06-30T20:34:05Z"), 0},
		{"2026-06-30T15:04:05.5Z", at("2026-06-30T15:04:05.5Z"), 0}, {"2026-06-30T15:04:05.123456789Z", at("2026-06-30T15:04:05.123456Z"), 0},
		{"1969-12-31T23:59:59.999999+00:00", clean.Value{Integer: -1}, 0}, {" 2026-06-30T15:04:05Z ", at("2026-06-30T15:04:05Z"), 0},
		{"2026-06-30T15:04:05", clean.Value{}, clean.NoZone}, {"2026-06-30 15:04:05.25", clean.Value{}, clean.NoZone},
	})
	for _, raw := range []string{
		"2026-06-30", "2026-06-30T15:04Z", "2026-06-31T15:04:05Z", "2026-06-30T24:00:00Z", "2026-06-30T15:60:00Z", "2026-06-30T15:04:60Z", "2026-06-30_15:04:05Z",
		"2026-06-30T15:04:05.Z", "2026-06-30T15:04:05.1234567890Z", "2026-06-30T15:04:05+1", "2026-06-30T15:04:05+24:00", "2026-06-30T15:04:05+01:60", "2026-06-30T15:04:05+01:",
		"2026-06-30T15:04:05 UTC", "2026-06-30T15:04:05ZZ", "2026-06-30T15:04:05+01:000", "1782831845",
	} {
		check(t, c, []reading{{raw, clean.Value{}, clean.NoTimestamp}})
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, of := range []pipeline.ColumnType{pipeline.Category, pipeline.Text} {
		check(t, cleaner(t, of), []reading{
			{"", missing, 0}, {"own", clean.Value{Text: "own"}, 0}, {" own ", clean.Value{Text: " own "}, 0}, {" ", clean.Value{Text: " "}, 0},
			{"Cafe\u0301", clean.Value{Text: "Caf\u00e9"}, 0}, {"Caf\u00e9", clean.Value{Text: "Caf\u00e9"}, 0},
			{"a\x00", clean.Value{}, clean.HasNUL}, {"\u00e9\x00", clean.Value{}, clean.HasNUL}, {"a\xff", clean.Value{}, clean.NotUTF8},
		})
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	text := func(s string) clean.Value { return clean.Value{Text: s} }
	check(t, cleaner(t, pipeline.Category, trim(), letters("lower"), mapped(map[string]string{"house": "own", "?": ""}), codes("not asked", "n/a")), []reading{
		{"\u00a0 House\u3000\n", text("own"), 0}, {"RENT", text("rent"), 0}, {"  ", missing, 0}, {"?", missing, 0}, {"N/A", clean.Value{Missing: true, Reason: "not asked"}, 0},
		{"\x00", clean.Value{}, clean.HasNUL}, {"\xff", clean.Value{}, clean.NotUTF8}, {"É", text("é"), 0},
	})
	check(t, cleaner(t, pipeline.Category, mapped(map[string]string{"House": "own"}), letters("upper")), []reading{{"House", text("OWN"), 0}, {"house", text("HOUSE"), 0}})
	check(t, cleaner(t, pipeline.Category, mapped(map[string]string{"Cafe\u0301": "x"})), []reading{{"Caf\u00e9", text("x"), 0}, {"Cafe\u0301", text("x"), 0}})
	check(t, cleaner(t, pipeline.Boolean, mapped(map[string]string{"ja": "yes", "nein": "no"}), codes("refused to say", "-9")), []reading{
		{"ja", clean.Value{Number: 1}, 0}, {"nein", clean.Value{}, 0}, {"-9.0", clean.Value{Missing: true, Reason: "refused to say"}, 0},
	})
	check(t, cleaner(t, pipeline.Category, pipeline.CleanStep{Trim: &pipeline.Trim{Columns: []string{"other"}}}), []reading{{" ", text(" "), 0}})
}

// The special values of FICO's HELOC file: -9 no record, -8 no usable trades, -7 condition not met.
func TestCodes(t *testing.T) {
	t.Parallel()
	heloc := cleaner(t, pipeline.Number, codes("no bureau record", "-9"), codes("no usable trades", "-8", "-7"))
	for _, raw := range []string{"-9", "-9.0", "-9e0", "-09", "-90e-1", " -9 ", "-0.9E1"} {
		check(t, heloc, []reading{{raw, clean.Value{Missing: true, Reason: "no bureau record"}, 0}})
	}
	check(t, heloc, []reading{
		{"-8", clean.Value{Missing: true, Reason: "no usable trades"}, 0}, {"9", clean.Value{Number: 9}, 0}, {"-9.5", clean.Value{Number: -9.5}, 0}, {"-90", clean.Value{Number: -90}, 0},
		{"-9.00000000000000000000001", clean.Value{Number: -9}, 0}, {"x", clean.Value{}, clean.NoNumber},
	})
	check(t, cleaner(t, pipeline.Integer, codes("top", "9007199254740993", "0")), []reading{
		{"9007199254740992", clean.Value{Integer: 9007199254740992, Number: 9007199254740992}, 0}, {"9007199254740993.0", clean.Value{Missing: true, Reason: "top"}, 0}, {"-0", clean.Value{Missing: true, Reason: "top"}, 0},
	})
}

// The first are as in the SBA's national file.
func TestAmounts(t *testing.T) {
	t.Parallel()
	number := func(x float64) clean.Value { return clean.Value{Number: x} }
	usd := cleaner(t, pipeline.Number, amount("$", "", ""))
	check(t, usd, []reading{
		{"$60,000.00 ", number(60000), 0}, {"$1,234.50", number(1234.5), 0}, {"$0.00", number(0), 0}, {"$1,234,567.89", number(1234567.89), 0},
		{"1234.5", number(1234.5), 0}, {"$12", number(12), 0}, {"12$", number(12), 0}, {"$ 12 ", number(12), 0}, {"$.50", number(0.5), 0}, {"$5.", number(5), 0},
		{"(12.00)", number(-12), 0}, {"($1,234.50)", number(-1234.5), 0}, {"( $5 )", number(-5), 0}, {"-$5", number(-5), 0}, {"$-5", number(-5), 0}, {"+$5", number(5), 0}, {"-5", number(-5), 0},
		{"1e3", number(1000), 0}, {"-1.5e-05", number(-1.5e-05), 0}, {"", missing, 0}, {"  ", missing, 0}, {"$1e101", clean.Value{}, clean.NoAmount}, {"1e101", clean.Value{}, clean.TooLarge},
	})
	for _, raw := range []string{
		"$", "-", "()", "($)", "$1,23", "1,2345", "1234,567", ",123", "1,,234", "1,234,", "1,234,56", "$$5", "$5$", "-$-5", "(-5)", "5-", "€5", "1.234,50", "1.2.3", "1 234", "12 USD", "1,234e2", "1e", "1e2.5", "(1e2)", "x",
	} {
		check(t, usd, []reading{{raw, clean.Value{}, clean.NoAmount}})
	}
	check(t, cleaner(t, pipeline.Decimal, amount("€", ".", ",")), []reading{
		{"1.234,50 €", clean.Value{Integer: 12345000, Number: 1234.5}, 0}, {"€ 1.234", clean.Value{Integer: 12340000, Number: 1234}, 0}, {"0,12345", clean.Value{}, clean.TooFine}, {"1.23", clean.Value{}, clean.NoAmount},
	})
	check(t, cleaner(t, pipeline.Integer, amount("CHF", "'", "")), []reading{{"CHF 1'234.00", clean.Value{Integer: 1234, Number: 1234}, 0}, {"CHF 1.50", clean.Value{}, clean.NotWhole}})
	check(t, cleaner(t, pipeline.Number, amount("", "\u202f", ",")), []reading{{"1\u202f234\u202f567,5", number(1234567.5), 0}})
	check(t, cleaner(t, pipeline.Number, amount("$", "", ""), codes("not given", "0")), []reading{
		{"$0.00", clean.Value{Missing: true, Reason: "not given"}, 0}, {"($2.50)", number(-2.5), 0}, {"$", clean.Value{}, clean.NoAmount}, {" ", missing, 0},
	})
}

// A number that a program wrote has a point, whatever people write in the column.
func TestLiteralsOfNumbers(t *testing.T) {
	t.Parallel()
	euro := cleaner(t, pipeline.Number, amount("€", ".", ","))
	for literal, want := range map[string]float64{"1.234": 1.234, "1234.5": 1234.5, "-1.5e-07": -1.5e-07, "12": 12} {
		got, fault := euro.CleanLiteral(literal)
		require.Equal(t, clean.None, fault, literal)
		require.Equal(t, clean.Value{Number: want}, got)
	}
	got, _ := euro.Clean("1.234")
	require.Equal(t, clean.Value{Number: 1234}, got)
	got, _ = cleaner(t, pipeline.Number).CleanLiteral("1.5")
	require.Equal(t, clean.Value{Number: 1.5}, got)
}

func TestClips(t *testing.T) {
	t.Parallel()
	check(t, cleaner(t, pipeline.Number, codes("none", "-9"), clip(bound(0), bound(10))), []reading{
		{"-1", clean.Value{Number: 0}, 0}, {"-9", clean.Value{Missing: true, Reason: "none"}, 0}, {"3", clean.Value{Number: 3}, 0}, {"11", clean.Value{Number: 10}, 0}, {"1e101", clean.Value{}, clean.TooLarge},
	})
	check(t, cleaner(t, pipeline.Decimal, amount("$", "", ""), clip(nil, bound(0.1))), []reading{{"$5", clean.Value{Integer: 1000, Number: 0.1}, 0}, {"-$5", clean.Value{Integer: -50000, Number: -5}, 0}})
	check(t, cleaner(t, pipeline.Integer, clip(bound(1), nil)), []reading{{"0", clean.Value{Integer: 1, Number: 1}, 0}})
}

// A bundle may hold what no parser has seen.
func TestNewRefusesWhatCannotBeCompiled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		of   pipeline.ColumnType
		step pipeline.CleanStep
	}{
		{"float", trim()}, {pipeline.Category, letters("title")}, {pipeline.Day, dates(0, "M/D/Z")}, {pipeline.Text, dates(0, "M/D/YY")}, {pipeline.Category, amount("$", "", "")},
		{pipeline.Number, amount("", ".", "")}, {pipeline.Number, amount("", "", "::")}, {pipeline.Boolean, clip(bound(0), nil)}, {pipeline.Integer, clip(bound(0.5), nil)}, {pipeline.Decimal, clip(nil, bound(1e15))},
		{pipeline.Number, clip(nil, bound(math.NaN()))},
	} {
		_, err := clean.New([]pipeline.CleanStep{test.step}, column, test.of)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s %+v", test.of, test.step)
	}
	_, err := clean.New([]pipeline.CleanStep{clip(bound(0), nil), trim()}, column, pipeline.Number)
	require.ErrorContains(t, err, "a clip comes last")
}

// Whatever is wrong is said in words that hold no value.
func TestEveryFaultHasWords(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for fault := clean.NotUTF8; fault <= clean.NoZone; fault++ {
		said[cleaner(t, pipeline.Decimal).Words(fault)] = true
	}
	require.Len(t, said, int(clean.NoZone))
	require.NotContains(t, said, "")
	require.Empty(t, cleaner(t, pipeline.Number).Words(clean.None))
	require.Equal(t, "is too large for a number: at most 1e+100 either way is wanted", cleaner(t, pipeline.Number).Words(clean.TooLarge))
}
