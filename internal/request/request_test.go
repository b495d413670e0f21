package request_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

func bound(x float64) *float64 { return &x }

func spec() pipeline.Spec {
	return pipeline.Spec{
		Entity: "id", Time: "day", Protected: []string{"gender"}, Ignore: []string{"branch"},
		Columns: []pipeline.Column{
			{Name: "income", Type: pipeline.Number, Min: bound(0), Max: bound(100), Unit: "USD", Reason: "income too low"},
			{Name: "debt", Type: pipeline.Number, MissingMax: 0.1},
			{Name: "home", Type: pipeline.Category, Domain: []string{"own", "rent"}},
			{Name: "purpose", Type: pipeline.Category},
		},
	}
}

// The contract is what the spec declares: neither reasons nor protected and ignored columns are in it.
func TestOf(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(request.Of(spec()))
	require.NoError(t, err)
	require.JSONEq(t, `{"fields": [
		{"name": "income", "type": "number", "nullable": false, "min": 0, "max": 100, "unit": "USD"},
		{"name": "debt", "type": "number", "nullable": true},
		{"name": "home", "type": "category", "nullable": false, "domain": ["own", "rent"]},
		{"name": "purpose", "type": "category", "nullable": false}
	], "identifiers": ["id", "day"]}`, string(text))
}

func reader(t require.TestingT, f request.Field) *request.Reader {
	r, err := request.NewReader(f)
	require.NoError(t, err)
	return r
}

func TestRead(t *testing.T) {
	t.Parallel()
	c := request.Of(spec())
	for _, test := range []struct {
		field, raw string
		want       transform.Value
		complaint  string
	}{
		{"income", "0", transform.Value{}, ""},
		{"income", "100", transform.Value{Number: 100}, ""},
		{"income", "100.00000000000001", transform.Value{}, "a number from 0 to 100 is wanted"},
		{"income", "-1e-300", transform.Value{}, "a number from 0 to 100 is wanted"},
		{"income", "null", transform.Value{}, "is null; a number from 0 to 100 is wanted"},
		{"income", `"7"`, transform.Value{}, "a number from 0 to 100 is wanted"},
		{"income", "true", transform.Value{}, "a number from 0 to 100 is wanted"},
		{"debt", "null", transform.Value{Missing: true}, ""},
		{"debt", "1e999", transform.Value{}, "is too large; a number, or null, of at most 1e+100 either way, is wanted"},
		{"debt", "-1.1e100", transform.Value{}, "is too large; a number, or null, of at most 1e+100 either way, is wanted"},
		{"debt", "-1e100", transform.Value{Number: -1e100}, ""},
		{"debt", "[1]", transform.Value{}, "a number, or null is wanted"},
		{"home", `"rent"`, transform.Value{Text: "rent"}, ""},
		{"home", `"Rent"`, transform.Value{}, "one of own, rent is wanted"},
		{"home", "1", transform.Value{}, "one of own, rent is wanted"},
		{"purpose", `"a boat"`, transform.Value{Text: "a boat"}, ""},
		{"purpose", `"` + strings.Repeat("é", 50) + `"`, transform.Value{Text: strings.Repeat("é", 50)}, ""},
		{"purpose", `"` + strings.Repeat("é", 50) + `x"`, transform.Value{}, "a text of 1 to 100 bytes is wanted"},
		{"purpose", `""`, transform.Value{}, "a text of 1 to 100 bytes is wanted"},
		{"purpose", `{}`, transform.Value{}, "a text of 1 to 100 bytes is wanted"},
	} {
		f := &c.Fields[c.Index(test.field)]
		got, complaint := reader(t, *f).Read(json.RawMessage(test.raw))
		require.Equal(t, test.complaint, complaint.Text, "%s %s", test.field, test.raw)
		require.Equal(t, test.want, got)
		if complaint.Text == "" {
			require.True(t, f.Admits(got))
		}
	}
	debt := &c.Fields[c.Index("debt")]
	for raw, want := range map[string]request.Rule{
		`income 100.00000000000001`: request.Range, `income -1e-300`: request.Range, `income null`: request.Required, `income "7"`: request.Type,
		`debt 1e999`: request.Range, `debt [1]`: request.Type, `home "Rent"`: request.Domain, `home 1`: request.Type, `purpose ""`: request.Domain, `purpose {}`: request.Type,
		`home ""`: request.Domain, `income 7`: "",
	} {
		name, value, _ := strings.Cut(raw, " ")
		_, complaint := reader(t, c.Fields[c.Index(name)]).Read(json.RawMessage(value))
		require.Equal(t, want, complaint.Rule, raw)
	}
	for _, x := range []float64{1.1e100, math.Inf(-1), math.NaN()} {
		require.False(t, debt.Admits(transform.Value{Number: x}), "%v", x)
	}
	require.Equal(t, -1, c.Index("gender"))
}

// Each break by hand, and each change that is none: what it says.
func TestBreaks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*pipeline.Spec)
		says   []string
	}{
		{"nothing", func(*pipeline.Spec) {}, nil},
		{"other words and units", func(s *pipeline.Spec) { s.Columns[0].Reason, s.Columns[0].Unit = "x", "EUR" }, nil},
		{"another order", func(s *pipeline.Spec) { s.Columns[0], s.Columns[1] = s.Columns[1], s.Columns[0] }, nil},
		{"wider", func(s *pipeline.Spec) {
			s.Columns[0].Min, s.Columns[0].Max, s.Columns[0].MissingMax = bound(-1), nil, 0.5
			s.Columns[2].Domain = []string{"other", "rent", "own"}
		}, nil},
		{"an open domain", func(s *pipeline.Spec) { s.Columns[2].Domain = nil }, nil},
		{"a new field that may be missing", func(s *pipeline.Spec) {
			s.Columns = append(s.Columns, pipeline.Column{Name: "age", Type: pipeline.Number, MissingMax: 1})
		}, nil},
		{"a new field that is required", func(s *pipeline.Spec) {
			s.Columns = append(s.Columns, pipeline.Column{Name: "age", Type: pipeline.Number})
		}, []string{`field "age" is new and required`}},
		{"a field gone", func(s *pipeline.Spec) { s.Columns = s.Columns[1:] }, []string{`field "income" is gone: a request with it would be refused`}},
		{"a field ignored", func(s *pipeline.Spec) { s.Columns, s.Ignore = s.Columns[1:], []string{"branch", "income"} },
			[]string{`field "income" is gone: a request with it would be refused`}},
		{"a field that becomes an identifier", func(s *pipeline.Spec) { s.Columns, s.Time = s.Columns[:3], "purpose" }, []string{`field "day" is gone: a request with it would be refused`}},
		{"an identifier gone", func(s *pipeline.Spec) { s.Entity = "" }, []string{`field "id" is gone: a request with it would be refused`}},
		{"an identifier that becomes a field", func(s *pipeline.Spec) {
			s.Entity, s.Columns = "", append(s.Columns, pipeline.Column{Name: "id", Type: pipeline.Number, MissingMax: 1})
		}, []string{`field "id" was not looked at; a number, or null is wanted now`}},
		{"narrower", func(s *pipeline.Spec) { s.Columns[0].Min, s.Columns[0].Max = bound(1), bound(99) },
			[]string{`field "income" takes numbers from 1, and took smaller ones`, `field "income" takes numbers up to 99, and took larger ones`}},
		{"bounded", func(s *pipeline.Spec) { s.Columns[1].Max = bound(1e9) }, []string{`field "debt" takes numbers up to 1e+09, and took larger ones`}},
		{"required", func(s *pipeline.Spec) { s.Columns[1].MissingMax = 0 }, []string{`field "debt" may not be missing any more`}},
		{"another type", func(s *pipeline.Spec) { s.Columns[1].Type = pipeline.Category }, []string{`field "debt" was a number and is a category`}},
		{"a smaller domain", func(s *pipeline.Spec) { s.Columns[2].Domain = []string{"own", "other"} }, []string{`field "home" does not take ["rent"] any more`}},
		{"a domain where there was none", func(s *pipeline.Spec) { s.Columns[3].Domain = []string{"car"} }, []string{`field "purpose" took any text, and has a domain now`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			changed := spec()
			test.change(&changed)
			require.Equal(t, test.says, request.Words(request.Breaks(request.Of(spec()), request.Of(changed))))
		})
	}
	long := spec()
	long.Columns[2].Domain = []string{strings.Repeat("x", 101)}
	require.Equal(t, []string{`field "home" does not take texts that are empty or longer than 100 bytes any more`}, request.Words(request.Breaks(request.Of(long), request.Of(func() pipeline.Spec {
		open := spec()
		open.Columns[2].Domain = nil
		return open
	}()))))
}

// drawn is a contract of up to three fields, which share their names with those of others.
func drawn(t *rapid.T, label string) request.Contract {
	var c request.Contract
	for i := range 3 {
		name := fmt.Sprint("f", i)
		switch rapid.IntRange(0, 3).Draw(t, label+name) {
		case 0:
			c.Fields = append(c.Fields, request.Field{
				Name: name, Type: pipeline.Number, Nullable: rapid.Bool().Draw(t, "nullable"),
				Min: rapid.Ptr(rapid.Float64Range(-2, 0), true).Draw(t, "min"), Max: rapid.Ptr(rapid.Float64Range(0, 2), true).Draw(t, "max"),
			})
		case 1:
			c.Fields = append(c.Fields, request.Field{
				Name: name, Type: pipeline.Category, Nullable: rapid.Bool().Draw(t, "nullable"),
				Domain: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, "domain"),
			})
		case 2:
			c.Identifiers = append(c.Identifiers, name)
		}
	}
	return c
}

// good reports whether a contract takes a request.
func good(c request.Contract, sent map[string]string) bool {
	for name, raw := range sent {
		at := c.Index(name)
		switch {
		case at >= 0:
			reader, err := request.NewReader(c.Fields[at])
			if err != nil {
				panic(err)
			}
			if _, complaint := reader.Read(json.RawMessage(raw)); complaint.Text != "" {
				return false
			}
		case strings.Contains(strings.Join(c.Identifiers, " "), name):
			if request.ReadIdentifier(json.RawMessage(raw)) != "" {
				return false
			}
		default:
			return false
		}
	}
	for _, f := range c.Fields {
		if _, there := sent[f.Name]; !there && !f.Nullable {
			return false
		}
	}
	return true
}

// Where no break is seen, no request that was good is refused.
func TestWithoutABreakEveryGoodRequestStaysGood(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := drawn(t, "before "), drawn(t, "after ")
		if rapid.Bool().Draw(t, "alike") {
			after = before
			after.Fields = append([]request.Field{}, before.Fields...)
			for i := range after.Fields {
				after.Fields[i].Nullable = after.Fields[i].Nullable || rapid.Bool().Draw(t, "nullable now")
			}
		}
		if len(request.Breaks(before, after)) > 0 {
			return
		}
		values := rapid.SampledFrom([]string{"null", "-1.5", "0", "1.5", `"a"`, `"b"`, `"other"`})
		sent := rapid.MapOf(rapid.SampledFrom([]string{"f0", "f1", "f2"}), values).Draw(t, "sent")
		if good(before, sent) {
			require.True(t, good(after, sent), "%v of %+v under %+v", sent, before, after)
		}
	})
}

func TestReadIdentifier(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		`"A-17"`: true, `""`: true, "17": true, "1e99": true, "null": true, `"` + strings.Repeat("x", 100) + `"`: true,
		`"` + strings.Repeat("x", 101) + `"`: false, "true": false, "{}": false, `["a"]`: false, strings.Repeat("1", 101): false,
	} {
		require.Equal(t, ok, request.ReadIdentifier(json.RawMessage(raw)) == "", raw)
	}
}
