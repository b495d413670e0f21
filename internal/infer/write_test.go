package infer

import (
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
)

// Whatever a column or a value is called, YAML reads it as it was.
func TestTextsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringN(1, 10, 40), rapid.SampledFrom([]string{"yes", "NULL", "~", "1e5", "0x1F", "2026-06-30", "a: b", "# c", "- d", "'", "\"", "\\", "a\nb", "\u2028", "\u0085", "😀", "{", "*x", "&y", "!z", "%", "@", "`", "|", ">", ".inf", "Infinity"}),
		).Draw(t, "text")
		yaml := "name: x\nsource: {uri: x.csv}\nlabel: {column: l, positive: \"1\", negative: \"0\"}\nignore:\n  - " + scalar(text) + "   # comment\ncolumns:\n  - {name: c, type: category, domain: " + list([]string{"a", text + "a"}) + "}\n"
		spec, err := pipeline.Parse("x.yaml", []byte(yaml))
		if !norm.NFC.IsNormalString(text+"a") || text == "l" || text == "c" {
			t.Skip("no value of a domain, or a name that is there already")
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if spec.Ignore[0] != text || spec.Columns[0].Domain[1] != text+"a" {
			t.Fatalf("%q became %q, %q", text, spec.Ignore[0], spec.Columns[0].Domain[1])
		}
	})
}
