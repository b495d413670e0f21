package dataset

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
)

// Validator holds batches of rows against a spec: types, domains, ranges, missing values, dates and labels. It is safe for concurrent use.
type Validator struct {
	spec    pipeline.Spec
	knownAt time.Time
	domains []map[string]bool // one per column of the spec; nil without a domain
}

// NewValidator makes the validator of a spec for data that were known on a day.
func NewValidator(spec pipeline.Spec, knownAt time.Time) *Validator {
	v := &Validator{spec: spec, knownAt: knownAt, domains: make([]map[string]bool, len(spec.Columns))}
	for i, c := range spec.Columns {
		if len(c.Domain) > 0 {
			v.domains[i] = make(map[string]bool, len(c.Domain))
			for _, value := range c.Domain {
				v.domains[i][value] = true
			}
		}
	}
	return v
}

// Breach is what one rule found in one column.
type Breach struct {
	Column string   `json:"column"`
	Rule   Rule     `json:"rule"`
	Count  int64    `json:"count"`
	RowIDs []string `json:"row_ids"`
}

// Checked is what a validator found in some rows.
type Checked struct {
	Rows     int64            `json:"rows"`
	Labelled int64            `json:"labelled"`
	Positive int64            `json:"positive"`
	Failing  int64            `json:"failing"` // rows that break a rule of rows
	Kept     int64            `json:"kept"`    // rows that go on
	Missing  map[string]int64 `json:"missing"` // by column of the spec, among the other rows
	Breaches []Breach         `json:"breaches"`
	// Novel is what columns held that their schema could take in, see package schema.
	Novel map[string]Novelty `json:"novel,omitempty"`
	// Together counts the rows in which several columns are new, by these, see Sets.
	Together map[string]int64 `json:"together,omitempty"`
	// Numbers is how many of the values that are not of their column's type are numbers, by column.
	Numbers map[string]int64 `json:"numbers,omitempty"`
	// Further is how many values the columns hold that the spec does not know, by column.
	Further map[string]int64 `json:"further,omitempty"`
}

// Seen are the columns but for those that the spec does not know and that have no value in any row: files of later days, whose rows were not
// known yet, have them.
func (c *Checked) Seen(columns []Field) []Field {
	return slices.DeleteFunc(slices.Clone(columns), func(f Field) bool {
		values, further := c.Further[f.Name]
		return further && values == 0
	})
}

// Misread are the rows of a batch, by column, whose texts are not of the column's type.
type Misread map[string][]int

// Check looks at a batch and says which rows break a rule of rows.
func (v *Validator) Check(t Table, misread Misread) (found Checked, failing []bool) {
	b := v.look(t, misread, nil)
	for i := range v.spec.Columns {
		if c := t.Column(v.spec.Columns[i].Name); c != nil {
			b.missing(c)
		}
	}
	b.further()
	for _, is := range b.failing {
		if is {
			b.found.Failing++
		}
	}
	b.found.Kept = b.found.Rows - b.found.Failing
	for i := range v.spec.Columns {
		if novel := b.novel(&v.spec.Columns[i], v.domains[i]); novel.Rows() > 0 || novel.Partial {
			b.found.note(v.spec.Columns[i].Name, novel)
		}
	}
	b.sets()
	return b.found, b.failing
}

// further counts the values of columns that the spec does not know.
func (b *batch) further() {
	for i := range b.t.Columns {
		c := &b.t.Columns[i]
		if c.Name == RowColumn || b.spec.Knows(c.Name) {
			continue
		}
		if b.found.Further == nil {
			b.found.Further = map[string]int64{}
		}
		values := int64(0)
		for row := range b.t.Rows() {
			if !c.Missing(row) {
				values++
			}
		}
		b.found.Further[c.Name] = values // also where there are none
	}
}

// missing counts the missing values of the rows that break no rule.
func (b *batch) missing(c *Column) {
	var count int64
	if c.Kind == Text {
		for row, valid := range c.Valid {
			if !valid && !b.failing[row] {
				count++
			}
		}
	} else {
		for row, x := range c.Floats {
			if x != x && !b.failing[row] {
				count++
			}
		}
	}
	if count > 0 {
		b.found.Missing[c.Name] = count
	}
}

// Breaches are the rules that rows of a batch break, such as "income: range", by row.
func (v *Validator) Breaches(t Table, misread Misread) map[int][]string {
	return v.look(t, misread, map[int][]string{}).byRow
}

// batch is one look at a batch.
type batch struct {
	*Validator
	t       Table
	failing []bool
	broken  []uint8 // rules that the row breaks, up to 255
	hard    []bool  // one of these is of neither a domain nor a range
	// together are the columns in which a row holds something new, where these are several.
	together map[int][]string
	found    Checked
	byRow    map[int][]string // nil when nobody asks
}

// look holds the rows against the rules of rows.
func (v *Validator) look(t Table, misread Misread, byRow map[int][]string) *batch {
	b := &batch{Validator: v, t: t, failing: make([]bool, t.Rows()), broken: make([]uint8, t.Rows()), hard: make([]bool, t.Rows()), together: map[int][]string{}, byRow: byRow}
	b.found = Checked{Rows: int64(t.Rows()), Missing: map[string]int64{}}
	for i := range t.Columns {
		b.fail(t.Columns[i].Name, RuleType, slices.Values(misread[t.Columns[i].Name]))
	}
	for i := range v.spec.Columns {
		b.feature(&v.spec.Columns[i], v.domains[i], misread[v.spec.Columns[i].Name])
	}
	b.identity(misread)
	b.dates()
	b.label()
	return b
}

// fail notes rows that break a rule.
func (b *batch) fail(column string, rule Rule, rows iter.Seq[int]) {
	breach := Breach{Column: column, Rule: rule}
	for row := range rows {
		breach.Count++
		b.failing[row] = true
		b.broken[row] = max(b.broken[row], b.broken[row]+1)
		b.hard[row] = b.hard[row] || rule != RuleDomain && rule != RuleRange
		if b.byRow != nil {
			b.byRow[row] = append(b.byRow[row], column+": "+string(rule))
		}
		if len(breach.RowIDs) < MaxRowIDs {
			breach.RowIDs = append(breach.RowIDs, b.rowID(row))
		}
	}
	if breach.Count > 0 {
		b.found.Breaches = append(b.found.Breaches, breach)
	}
}

// where are the rows of which a condition is true.
func (b *batch) where(condition func(row int) bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		for row := range b.failing {
			if condition(row) && !yield(row) {
				return
			}
		}
	}
}

// required finds the rows without a value, but for those whose value was not of the type.
func (b *batch) required(c *Column, misread []int) {
	if c.Kind != Text && !slices.ContainsFunc(c.Floats, math.IsNaN) {
		return // as a rule
	}
	b.fail(c.Name, RuleRequired, b.where(func(row int) bool {
		if !c.Missing(row) {
			return false
		}
		_, found := slices.BinarySearch(misread, row)
		return !found
	}))
}

func (b *batch) feature(want *pipeline.Column, domain map[string]bool, misread []int) {
	c := b.t.Column(want.Name)
	if c == nil {
		return
	}
	if want.MissingMax == 0 {
		b.required(c, misread)
	}
	switch {
	case domain != nil && c.Kind == Text:
		b.fail(want.Name, RuleDomain, b.where(func(row int) bool { return outsideDomain(c, domain, row) }))
	case c.Kind != Text && (want.Min != nil || want.Max != nil):
		b.fail(want.Name, RuleRange, outsideRange(c, want))
	}
}

// identity asks for the entity and the time of every row.
func (b *batch) identity(misread Misread) {
	for _, name := range []string{b.spec.Entity, b.spec.Time} {
		if c := b.t.Column(name); c != nil {
			b.required(c, misread[name])
		}
	}
}

// dates finds those that nobody could have known.
func (b *batch) dates() {
	if b.knownAt.IsZero() {
		return
	}
	last := Day(b.knownAt)
	for i := range b.t.Columns {
		if c := &b.t.Columns[i]; c.Kind == Date || c.Kind == Timestamp {
			b.fail(c.Name, RuleFutureDate, b.where(func(row int) bool { return c.Day(row) > last }))
		}
	}
}

func (b *batch) label() {
	c := b.t.Column(b.spec.Label.Column)
	if c == nil || c.Kind != Text {
		return
	}
	positive, negative := b.spec.Label.Positive, b.spec.Label.Negative
	b.fail(c.Name, RuleLabel, b.where(func(row int) bool { return c.Valid[row] && c.Texts[row] != positive && c.Texts[row] != negative }))
	mature := matured(b.spec, b.t, b.knownAt)
	for row := range b.failing {
		if !b.failing[row] && c.Valid[row] && mature(row) {
			b.found.Labelled++
			if c.Texts[row] == positive {
				b.found.Positive++
			}
		}
	}
}

func (b *batch) rowID(row int) string {
	ordinal := int64(row + 1)
	if c := b.t.Column(RowColumn); c != nil {
		ordinal = int64(c.Floats[row])
	}
	if c := b.t.Column(b.spec.Entity); c != nil && c.Kind == Text && c.Valid[row] {
		return RowID(c.Texts[row], ordinal)
	}
	return RowID("", ordinal)
}

// RowID names a row: by its entity where that looks like an identifier, for where columns are shifted it may be a person's name, else by its ordinal.
func RowID(entity string, ordinal int64) string {
	if identifier(entity) {
		return entity
	}
	return strconv.FormatInt(ordinal, 10)
}

// identifier reports whether a text has digits and neither blanks nor signs that names and addresses have.
func identifier(text string) bool {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return len(text) <= 40 && strings.ContainsAny(text, digits) &&
		strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(digits+letters+"-_:.", r) }) < 0
}

// Add continues what was found with the next rows.
func (c *Checked) Add(next Checked) {
	c.Rows += next.Rows
	c.Labelled += next.Labelled
	c.Positive += next.Positive
	c.Failing += next.Failing
	c.Kept += next.Kept
	if c.Missing == nil {
		c.Missing = map[string]int64{}
	}
	for name, count := range next.Missing {
		c.Missing[name] += count
	}
	for name, novel := range next.Novel {
		c.note(name, novel)
	}
	for set, rows := range next.Together {
		c.together(set, rows)
	}
	for name, count := range next.Numbers {
		if c.Numbers == nil {
			c.Numbers = map[string]int64{}
		}
		c.Numbers[name] += count
	}
	for name, count := range next.Further {
		if c.Further == nil {
			c.Further = map[string]int64{}
		}
		c.Further[name] += count
	}
	for _, breach := range next.Breaches {
		i := slices.IndexFunc(c.Breaches, func(b Breach) bool { return b.Column == breach.Column && b.Rule == breach.Rule })
		if i < 0 {
			c.Breaches = append(c.Breaches, breach)
			continue
		}
		known := &c.Breaches[i]
		known.Count += breach.Count
		known.RowIDs = append(known.RowIDs, breach.RowIDs[:min(len(breach.RowIDs), MaxRowIDs-len(known.RowIDs))]...)
	}
}
