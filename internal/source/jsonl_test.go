package source_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

var jsonl = pipeline.Relation{JSONL: &pipeline.Files{}}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	content := `{"id": 1, "name": "M\u00fcller \"x\"", "rate":1.50e-3}

{"rate":null,"id":-0.10,"paid":true}` + "\r\n" + ` { "name" : "" , "paid" : false, "id":"NA" } `
	for name, text := range map[string]string{"plain": content, "gzip": zipped(t, content), "mark": "\ufeff" + content} {
		r := pipeline.Relation{JSONL: &pipeline.Files{}, Missing: []string{"NA"}}
		relation := open(t, r, source.Options{RowsPerSlice: 2}, written(t, "x.jsonl", text))
		require.Equal(t, []string{"id", "name", "rate", "paid"}, relation.Columns(), name)
		require.Equal(t, [][]string{{"1", `Müller "x"`, "1.50e-3", null}, {"-0.10", null, null, "true"}, {null, null, null, "false"}}, all(t, relation, 2), name)
	}
}

func TestKeysOfJSONLines(t *testing.T) {
	t.Parallel()
	first := written(t, "1.jsonl", strings.Repeat("{\"a\":1}\n", 10))
	second := written(t, "2.jsonl", "{\"b\":2}\n"+strings.Repeat("{\"a\":1}\n", 1000)+"{\"a\":1,\"c\":3}\n")
	relation := open(t, jsonl, source.Options{}, first, second)
	require.Equal(t, []string{"a", "b"}, relation.Columns(), "the first 1,000 lines are of all files")
	_, err := read(jsonl, source.Options{}, first, second)
	require.ErrorContains(t, err, `2.jsonl:1002: key "c": the key is in none of the first 1000 lines`)
	rows, err := read(pipeline.Relation{JSONL: &pipeline.Files{}, Select: []string{"b"}}, source.Options{}, first, second)
	require.NoError(t, err)
	require.Len(t, rows, 1012)
}

func TestFaultsOfJSONLines(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                                 `x.jsonl: there is no key`,
		"{}\n{}\n":                         `x.jsonl: there is no key`,
		"{\"a\":1}\n[1]\n":                 `x.jsonl:2:1: the line is no JSON object from here on`,
		"[\n{\"a\":1}\n]\n":                `x.jsonl:1:1: the line is no JSON object`,
		"{\"a\":1}\n{\"a\":\"secret":       `x.jsonl:2:13: the line is no JSON object`,
		"{\"a\":1}\n{\"a\":1} 2":           `x.jsonl:2:9: the line is no JSON object`,
		"{\"a\":1,}":                       `x.jsonl:1:8: the line is no JSON object`,
		"{\"ü\":01}":                       `x.jsonl:1:7: the line is no JSON object`,
		"{\"a\":1}\n\n{\"a\":{\"b\":1}}":   `x.jsonl:3: key "a": its value is an object or a list`,
		"{\"a\":1}\n{\"b\":[1]}":           `x.jsonl:2: key "b": its value is an object or a list`,
		"{\"a\":1}\n{\"a\":1,\"a\":2}":     `x.jsonl:2: key "a": the key is there twice`,
		"{\"a\":1}\n{\"a\":\"M\xfcller\"}": `x.jsonl:2:8: the bytes here are not UTF-8`,
		manyKeys(2001):                     `x.jsonl:1: key "k2000": this is one key more than the 2000 that are taken`,
	} {
		_, err := read(jsonl, source.Options{}, written(t, "x.jsonl", content))
		require.ErrorContains(t, err, want, content)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.NotContains(t, err.Error(), "secret")
	}
	late := strings.Repeat("{\"a\":1}\n", 1500)
	_, err := read(jsonl, source.Options{}, written(t, "x.jsonl", late+"{\"a\":1,\"a\":2}"))
	require.ErrorContains(t, err, `x.jsonl:1501: key "a": the key is there twice`)
}

func manyKeys(n int) string {
	var line strings.Builder
	for i := range n {
		fmt.Fprintf(&line, ",\"k%d\":1", i)
	}
	return "{" + line.String()[1:] + "}"
}

// What encoding/json takes as a flat object of distinct keys is read with the same values, and nothing else is.
func FuzzJSONLines(f *testing.F) {
	for _, line := range []string{`{"a":1,"b":"x\n"}`, `{"a":-0.5e+7,"b":null}`, `{"\u0061":true}`, `{"a":01}`, `{"a":"\ud800"}`, `{"a":1}{}`, ` {"a" : false } `, `{"a":"\"}`, `{"":1}`, "{\"a\":\"\x01\"}"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsRune(line, '\n') || len(line) > 0 && strings.IndexByte("\x1f\xef\xfe\xff", line[0]) >= 0 {
			t.Skip("more than a line, or another encoding")
		}
		if !utf8.ValidString(line) {
			t.Skip("encoding/json replaces what is not UTF-8")
		}
		rows, err := read(jsonl, source.Options{}, written(t, "x.jsonl", line))
		want, wanted := flat(line)
		require.Equal(t, wanted, err == nil, "%v", err)
		if wanted {
			require.Equal(t, [][]string{want}, rows)
		}
	})
}

// flat is what encoding/json makes of the line.
func flat(line string) (values []string, ok bool) {
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if !json.Valid([]byte(line)) {
		return nil, false
	}
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, false
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil || seen[key.(string)] || key == "" && len(seen) > 0 {
			return nil, false
		}
		seen[key.(string)] = true
		switch value, err := d.Token(); v := value.(type) {
		case json.Delim:
			return nil, false
		case nil:
			values = append(values, null)
			if err != nil {
				return nil, false
			}
		default:
			text := fmt.Sprint(v)
			if text == "" {
				text = null
			}
			values = append(values, text)
		}
	}
	// A single nameless key has no name to give; the first of several does.
	nameless := seen[""] && (len(seen) == 1 || seen["row"])
	return values, len(values) > 0 && !nameless
}
