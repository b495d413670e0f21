package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

type shelf struct {
	Name  string         `yaml:"name"`
	Books []book         `yaml:"books"`
	Notes map[string]any `yaml:"notes"`
}

type book struct {
	Title string `yaml:"title"`
	Pages int    `yaml:"pages"`
}

func TestDocumentsKnowWhereTheirValuesStand(t *testing.T) {
	t.Parallel()
	read := shelf{Name: "unnamed"}
	d, err := ReadDocument("shelf.yaml", "the shelf", "", []byte("books:\n  - {title: a, pages: 3}\n  - title: b\nnotes:\n  a.b: 1\n  a: {x: null, y: yes, z: 2.5}\n"), &read)
	require.NoError(t, err)
	require.Equal(t, "unnamed", read.Name, "what the file leaves out stays")
	require.Equal(t, []book{{"a", 3}, {"b", 0}}, read.Books)
	require.Equal(t, map[string]any{"a.b": uint64(1), "a": map[string]any{"x": nil, "y": "yes", "z": 2.5}}, read.Notes)
	for path, at := range map[string]string{
		"books[0].pages": "2:23", "books[1].title": "3:12", "books[1].pages": "3:5", "books[7]": "2:3", "notes.a.b": "5:8", "notes.a.z": "6:27", "name": "1:1", "": "1:1",
	} {
		require.Equal(t, "shelf.yaml:"+at, d.At(path), path)
	}
	line, column := d.Position("books[1].title")
	require.Equal(t, []int{3, 12}, []int{line, column})
	require.True(t, d.Has("books[1].title"))
	require.False(t, d.Has("books[1].pages"))
	require.NoError(t, d.Fault())
	d.Wrong("books[1]", "b has no %s", "pages")
	d.Wrong("books[0].title", "too short")
	require.EqualError(t, d.Fault(), "shelf.yaml:2:13: too short\nshelf.yaml:3:5: b has no pages")
	require.Equal(t, fault.Invalid, fault.CodeOf(d.Fault()))
}

func TestMistakesOfDocuments(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"nam: x":                  `shelf.yaml:1:1: unknown key "nam" in the shelf; did you mean "name"?`,
		"notes: {a: [1]}":         "shelf.yaml:1:12: notes.a is a list; a text, a number, true, false or null is wanted",
		"notes: {a: .nan}":        "notes.a is not a finite number",
		"notes: {a: {b: [1]}}":    "notes.a.b is a list",
		"notes: {a: 1, a: 2}":     "shelf.yaml:1:",
		"":                        "shelf.yaml:1:1: there is nothing in it; the file of the shelf holds one YAML document",
		"# nothing\n":             "there is nothing in it",
		"name: a\n---\nname: b\n": "shelf.yaml:1:1: 2 YAML documents; the file of the shelf holds exactly one",
		strings.Repeat("[", 100):  "shelf.yaml:1:1: lists or mappings inside of each other more than 50 deep; the shelf needs five",
		"name: " + strings.Repeat("x", maxSpecBytes): "shelf.yaml: 1048582 bytes; the shelf has at most 1048576",
		"notes: {a: *b}": "shelf.yaml:1:",
		"name: &a x":     "shelf.yaml:1:7: name is",
	} {
		_, err := ReadDocument("shelf.yaml", "the shelf", "", []byte(text), &shelf{})
		require.ErrorContains(t, err, says)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
	var books []book
	_, err := ReadDocument("books.yaml", "the books", "book", []byte("- {title: a}\n- {titel: b}\n"), &books)
	require.EqualError(t, err, `books.yaml:2:4: unknown key "titel" in book[1]; did you mean "title"?`)
}

// YAML has a key end at a colon with white space after it; the parser, inside of braces, at any.
func TestATextWithAColonStaysOneInsideOfBraces(t *testing.T) {
	t.Parallel()
	var into []struct {
		Name string   `yaml:"name"`
		Of   []string `yaml:"of"`
	}
	d, err := ReadDocument("x.yaml", "the list", "", []byte("- {name: a, of: [x, bureau:score, y@2:z]}\n- name: b\n  of: [bureau:score]\n"), &into)
	require.NoError(t, err)
	require.Equal(t, []string{"x", "bureau:score", "y@2:z"}, into[0].Of)
	require.Equal(t, []string{"bureau:score"}, into[1].Of)
	line, column := d.Position("[0].of[1]")
	require.Equal(t, []int{1, 21}, []int{line, column})
	for _, text := range []string{"- {of: [bureau: score]}", "- {of: [{bureau: score}]}", "- {of: [\"bureau\":score]}", "- {of: [a:1]}"} {
		_, err := ReadDocument("x.yaml", "the list", "", []byte(text), &into)
		require.ErrorContains(t, err, "is a mapping; a text is wanted", text)
	}
}
