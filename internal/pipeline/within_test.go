package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
)

// texts is a document with a text, and something before and behind it.
type texts struct {
	Before string `yaml:"before"`
	Text   string `yaml:"text"`
	Behind string `yaml:"behind"`
}

// A mistake in a text is told where the file has it, in every style that YAML has for texts. Places are counted by hand.
func TestPlacesWithinATextOfTheFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text   string
		line, column int
		want         string
		said         bool
	}{
		{"plain", "text: SELECT a FROM b", 1, 10, "x.yaml:2:16", true},
		{"plain on two lines", "text: SELECT a\n  FROM b", 1, 10, "x.yaml:3:3", true},
		{"single quotes", "text: 'SELECT ''a'' FROM b'", 1, 12, "x.yaml:2:21", true},
		{"double quotes", `text: "SELECT a FROM b"`, 1, 10, "x.yaml:2:17", true},
		{"double quotes with an escape", `text: "SELECT \"a\" FROM b"`, 1, 12, "x.yaml:2:7", false},
		{"an escape behind it", `text: "SELECT a\tFROM b"`, 1, 8, "x.yaml:2:15", true},
		{"a block", "text: |\n  SELECT a\n    FROM b", 2, 3, "x.yaml:4:5", true},
		{"a block with its indentation said", "text: |2-\n    SELECT a\n    FROM b", 2, 3, "x.yaml:4:5", true},
		{"a block that begins with an empty line", "text: |\n\n  SELECT ü, a\n  FROM b", 2, 11, "x.yaml:4:13", true},
		{"a folded block", "text: >-\n  SELECT a\n  FROM b", 1, 10, "x.yaml:4:3", true},
		{"the end", "text: |\n  SELECT a\n  FROM b", 2, 7, "x.yaml:4:9", true},
		{"behind the end", "text: |\n  SELECT a\n  FROM b", 9, 9, "x.yaml:4:9", true},
		{"a space before what shows", "text: SELECT   a", 1, 7, "x.yaml:2:16", true},
		{"no line", "text: SELECT a", 0, 3, "x.yaml:2:7", false},
		{"no column", "text: SELECT a", 1, 0, "x.yaml:2:7", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var of texts
			d, err := pipeline.ReadDocument("x.yaml", "the texts", "", []byte("before: SELECT\n"+test.text+"\nbehind: SELECT\n"), &of)
			require.NoError(t, err)
			at, said := d.Within("text", of.Text, test.line, test.column)
			require.Equal(t, test.want, at)
			require.Equal(t, test.said, said)
		})
	}
}

// Of a text that is not there, the place that encloses it is told.
func TestPlacesWithinNoText(t *testing.T) {
	t.Parallel()
	var of texts
	d, err := pipeline.ReadDocument("x.yaml", "the texts", "", []byte("before: a\n"), &of)
	require.NoError(t, err)
	at, said := d.Within("text", "SELECT", 1, 1)
	require.Equal(t, "x.yaml:1:1", at)
	require.False(t, said)
	at, said = d.Within("before", "of another file", 1, 1)
	require.Equal(t, "x.yaml:1:9", at)
	require.False(t, said, "the file has another text")
}

// Whatever lines a text has, the character that is told is the one that stands there.
func TestEveryCharacterOfAText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringMatching(`[a-zü=(','*][a-zü'=(),*. ]{0,12}`)
		lines := rapid.SliceOfN(line, 1, 6).Draw(t, "lines")
		indent := strings.Repeat(" ", rapid.IntRange(1, 6).Draw(t, "indent"))
		file := "before: x\ntext: |\n"
		for i, one := range lines {
			lines[i] = strings.TrimRight(one, " ")
			file += indent + lines[i] + "\n"
		}
		var of texts
		d, err := pipeline.ReadDocument("x", "the texts", "", []byte(file+"behind: x\n"), &of)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		characters := []rune(lines[n])
		column := rapid.IntRange(0, len(characters)-1).Draw(t, "column")
		if characters[column] == ' ' {
			return
		}
		at, said := d.Within("text", of.Text, n+1, column+1)
		if want := fmt.Sprintf("x:%d:%d", n+3, len(indent)+column+1); at != want || !said {
			t.Fatalf("%s, and %s is wanted", at, want)
		}
	})
}
