package infer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// write is the spec as YAML: what was inferred, with a comment for everything that a person should look at.
func (s *Schema) write() string {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\n", args...) }
	line("# Inferred from %d rows of %s: a start. Look at every line; values do not say what they mean.", s.Rows, oneLine(s.filesWords()))
	for _, note := range s.notes {
		line("# %s", oneLine(note))
	}
	line("# Files are looked for from the folder of this spec.")
	line("name: %s\n", s.name)
	line("source: %s", s.source())
	s.writeClean(line)
	s.writeLabel(line)
	if s.Entity != "" {
		line("\nentity: %s   # %s", scalar(s.Entity), s.column(s.Entity).comment())
	}
	if s.Time != "" {
		line("\ntime: %s   # %s", scalar(s.Time), s.column(s.Time).comment())
	}
	s.writeRole(line, protected, "protected", "These train nothing and reach no predictor.")
	s.writeRole(line, ignored, "ignore", "Known, and not used.")
	s.writeTypes(line)
	s.writeFeatures(line)
	if limits := s.limits(); limits != "" {
		line("\n# These data exceed the default limits: twice of what there is.\nlimits: %s", limits)
	}
	return w.String()
}

func (s *Schema) column(name string) *Column {
	return &s.Columns[slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name })]
}

func (s *Schema) filesWords() string {
	first := filepath.Base(s.files[0].Name)
	if len(s.files) == 1 {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, len(s.files)-1)
}

func (s *Schema) source() string {
	uri := "uri: " + scalar(s.from.FilesURI())
	csv := s.from.CSV
	if csv == nil {
		return "{" + uri + "}"
	}
	for _, key := range [][2]string{{"delimiter", csv.Delimiter}, {"encoding", csv.Encoding}} {
		if key[1] != "" {
			uri += ", " + key[0] + ": " + quoted(key[1])
		}
	}
	return "{csv: {" + uri + "}}"
}

// typed says that the spec reads the column as its type: not what is protected, which is kept as it is.
func (c *Column) typed() bool {
	return c.Role == feature || c.Role == labelled || c.Role == entity || c.Role == instant || c.Role == ignored && !c.Protected && c.Type != pipeline.Text && c.Type != pipeline.Category
}

// writeClean writes the steps, those alike for all of their columns at once: trim first, then missing values, then dates and amounts.
func (s *Schema) writeClean(line func(string, ...any)) {
	var keys []string
	columns := map[string][]string{}
	for rank := range 3 {
		for i := range s.Columns {
			c := &s.Columns[i]
			for _, step := range c.Clean {
				at, kind, rest := words(step)
				if !c.typed() || at != rank {
					continue
				}
				key := kind + ": {columns: [%s]" + rest + "}"
				if columns[key] == nil {
					keys = append(keys, key)
				}
				columns[key] = append(columns[key], scalar(c.Name))
			}
		}
	}
	if len(keys) > 0 {
		line("\nclean:")
	}
	for _, key := range keys {
		before, after, _ := strings.Cut(key, "%s")
		line("  - %s%s%s", before, strings.Join(columns[key], ", "), after)
	}
}

// words are a step's key and what follows its columns, and where it stands among the others.
func words(s pipeline.CleanStep) (rank int, kind, rest string) {
	switch {
	case s.Trim != nil:
		return 0, "trim", ""
	case s.Missing != nil:
		return 1, "missing", ", codes: " + list(s.Missing.Codes) + ", reason: " + quoted(s.Missing.Reason)
	case s.Date != nil:
		return 2, "date", ", formats: " + list(s.Date.Formats)
	}
	for _, key := range [][2]string{{"currency", s.Amount.Currency}, {"thousands", s.Amount.Thousands}, {"decimal", s.Amount.Decimal}} {
		if key[1] != "" {
			rest += ", " + key[0] + ": " + quoted(key[1])
		}
	}
	return 2, "amount", rest
}

func (s *Schema) writeLabel(line func(string, ...any)) {
	line("")
	if s.Label.Column == "" {
		line("# No column looks like the label. Name it, the values that count as 1 and 0, and default or approval; then take it out of the lists below.")
		line(`label: {column: "", positive: "1", negative: "0", meaning: default}`)
		return
	}
	remarks := append([]string{"make sure that positive is what the score should tell"}, s.Label.remarks...)
	line("# %s; %s", s.column(s.Label.Column).comment(), strings.Join(remarks, "; "))
	line("label: {column: %s, positive: %s, negative: %s, meaning: %s}", scalar(s.Label.Column), quoted(s.Label.Positive), quoted(s.Label.Negative), s.Label.Meaning)
}

func (s *Schema) writeRole(line func(string, ...any), as role, key, what string) {
	begun := false
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Role != as {
			continue
		}
		if !begun {
			line("\n# %s\n%s:", what, key)
			begun = true
		}
		line("  - %s   # %s; %s", scalar(c.Name), c.Why, c.comment())
	}
}

func (s *Schema) writeTypes(line func(string, ...any)) {
	var types []string
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Role == ignored && c.typed() || c.Role == instant && c.Type != pipeline.Day {
			types = append(types, "  "+scalar(c.Name)+": "+string(c.Type))
		}
	}
	if len(types) > 0 {
		line("\ntypes:\n%s", strings.Join(types, "\n"))
	}
}

func (s *Schema) writeFeatures(line func(string, ...any)) {
	if !slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Role == feature }) {
		line("\n# No column is left that can be a feature.\ncolumns: []")
		return
	}
	line("\ncolumns:")
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Role != feature {
			continue
		}
		text := "name: " + scalar(c.Name) + ", type: " + string(c.Type)
		if c.Rare == 0 && len(c.Domain) > 0 {
			text += ", domain: " + list(c.Domain)
		}
		if c.Min != nil {
			text += ", min: " + number(*c.Min) + ", max: " + number(*c.Max)
		}
		if c.missing > 0 {
			text += ", missing_max: " + number(c.missing)
		}
		line("  # %s\n  - {%s}", c.comment(), text)
	}
}

// comment is what was seen of a column, for a person.
func (c *Column) comment() string {
	more := ""
	if c.DistinctMore {
		more = "more than "
	}
	missing := "never missing"
	if c.Missing > 0 {
		missing = "missing " + percent(c.MissingShare)
	}
	parts := []string{missing, fmt.Sprintf("%s%d distinct", more, c.Distinct)}
	if c.unique() && c.Role != entity {
		parts = append(parts, "unique")
	}
	if c.Rare > 0 {
		parts = append(parts, fmt.Sprintf("no domain, for %d of them are in fewer than %d rows each and not written; the others are %s", c.Rare, dataset.LeastNamed, list(c.Domain)))
	}
	if c.Format != "" {
		parts = append(parts, "written "+c.Format)
	}
	return oneLine(strings.Join(append(parts, c.remarks...), ", "))
}

func percent(share float64) string {
	if share > 0 && share < 0.001 {
		return "under 0.1 %"
	}
	return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
}

// number writes a number as YAML reads it: with a point where it has an exponent.
func number(x float64) string {
	if x != 0 && (x < 1e-4 && x > -1e-4 || x >= 1e15 || x <= -1e15) {
		return strconv.FormatFloat(x, 'e', 1, 64) // bounds have two digits
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func list(values []string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = quoted(v)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// plain are names that YAML reads as texts without quotes, words such as yes and null aside.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

var notPlain = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}

// scalar writes a text, in quotes where it needs them.
func scalar(text string) string {
	if plain.MatchString(text) && !slices.Contains(notPlain, strings.ToLower(text)) {
		return text
	}
	return quoted(text)
}

// quoted writes a text in double quotes; a JSON string is one of YAML's.
func quoted(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// oneLine keeps a comment a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, text)
}
