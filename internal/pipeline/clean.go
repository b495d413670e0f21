package pipeline

// CleanStep is one step of cleaning: exactly one of its fields is set. Steps of values (Trim to Clip) look at one value at a time and clean
// requests as well; steps of tables come after them.
type CleanStep struct {
	Trim    *Trim   `yaml:"trim" json:"trim,omitempty"`
	Case    *Case   `yaml:"case" json:"case,omitempty"`
	Map     *Map    `yaml:"map" json:"map,omitempty"`
	Missing *Codes  `yaml:"missing" json:"missing,omitempty"`
	Date    *DateIn `yaml:"date" json:"date,omitempty"`
	Amount  *Amount `yaml:"amount" json:"amount,omitempty"`
	Clip    *Clip   `yaml:"clip" json:"clip,omitempty"`

	DropDuplicates *DropDuplicates `yaml:"drop_duplicates" json:"drop_duplicates,omitempty"`
	DropUnlabelled *DropUnlabelled `yaml:"drop_unlabelled" json:"drop_unlabelled,omitempty"`
	Filter         *Filter         `yaml:"filter" json:"filter,omitempty"`
}

// Trim removes white space around texts.
type Trim struct {
	Columns []string `yaml:"columns" json:"columns"`
}

// Case makes texts lower or upper case.
type Case struct {
	Columns []string `yaml:"columns" json:"columns"`
	To      string   `yaml:"to" json:"to"` // lower or upper
}

// Map replaces texts by others; texts that it does not list stay. One that becomes empty is missing.
type Map struct {
	Columns []string          `yaml:"columns" json:"columns"`
	Values  map[string]string `yaml:"values" json:"values"`
}

// Codes are values that say why there is none: they become missing. A code that is a number equals every way to write that number.
type Codes struct {
	Columns []string `yaml:"columns" json:"columns"`
	Codes   []string `yaml:"codes" json:"codes"`
	Reason  string   `yaml:"reason" json:"reason"` // what they mean, for people
}

// DateIn reads dates in formats of their own, of which the first that fits counts, and writes them as 2026-06-30.
type DateIn struct {
	Columns []string `yaml:"columns" json:"columns"`
	// Formats are made of YYYY, YY, MMM (Jan), MM, M, DD, D and separators, such as M/D/YYYY.
	Formats []string `yaml:"formats" json:"formats"`
	// Pivot is the first year that YY can mean: with 1950, 49 is 2049 and 50 is 1950. Defaults to 1970; see FirstYear.
	Pivot int `yaml:"pivot" json:"pivot,omitempty"`
}

// Amount reads amounts of money such as $1,234.50 or (12.00), which is negative.
type Amount struct {
	Columns   []string `yaml:"columns" json:"columns"`
	Currency  string   `yaml:"currency" json:"currency,omitempty"`   // a sign before or after the digits; may be left out in the data
	Thousands string   `yaml:"thousands" json:"thousands,omitempty"` // between groups of three digits; defaults to a comma
	Decimal   string   `yaml:"decimal" json:"decimal,omitempty"`     // defaults to a point
}

// Clip moves numbers beyond a bound to the bound. It is the last step of a column.
type Clip struct {
	Columns []string `yaml:"columns" json:"columns"`
	Min     *float64 `yaml:"min" json:"min,omitempty"`
	Max     *float64 `yaml:"max" json:"max,omitempty"`
}

// DropDuplicates keeps one of the rows that are equal, in the columns of the key or without one in all of them.
type DropDuplicates struct {
	Key  []string `yaml:"key" json:"key,omitempty"`
	Keep string   `yaml:"keep" json:"keep,omitempty"` // first (default) or last, in the order of the source
}

// DropUnlabelled leaves out rows without a label.
type DropUnlabelled struct{}

// Filter keeps the rows for which an SQL condition over the cleaned columns is true.
type Filter struct {
	Name string `yaml:"name" json:"name"`
	Keep string `yaml:"keep" json:"keep"`
}

// Columns are those of which a step of values cleans the values; nil for a step of tables.
func (s *CleanStep) Columns() []string {
	switch {
	case s.Trim != nil:
		return s.Trim.Columns
	case s.Case != nil:
		return s.Case.Columns
	case s.Map != nil:
		return s.Map.Columns
	case s.Missing != nil:
		return s.Missing.Columns
	case s.Date != nil:
		return s.Date.Columns
	case s.Amount != nil:
		return s.Amount.Columns
	case s.Clip != nil:
		return s.Clip.Columns
	}
	return nil
}

// Only is a step of values for one column alone.
func (s *CleanStep) Only(column string) CleanStep {
	columns := []string{column}
	switch {
	case s.Trim != nil:
		return CleanStep{Trim: &Trim{columns}}
	case s.Case != nil:
		return CleanStep{Case: &Case{columns, s.Case.To}}
	case s.Map != nil:
		return CleanStep{Map: &Map{columns, s.Map.Values}}
	case s.Missing != nil:
		return CleanStep{Missing: &Codes{columns, s.Missing.Codes, s.Missing.Reason}}
	case s.Date != nil:
		return CleanStep{Date: &DateIn{columns, s.Date.Formats, s.Date.Pivot}}
	case s.Amount != nil:
		return CleanStep{Amount: &Amount{columns, s.Amount.Currency, s.Amount.Thousands, s.Amount.Decimal}}
	case s.Clip != nil:
		return CleanStep{Clip: &Clip{columns, s.Clip.Min, s.Clip.Max}}
	}
	return CleanStep{}
}

// Kind is the step's key in a spec.
func (s *CleanStep) Kind() string {
	for _, kind := range s.kinds() {
		return kind
	}
	return ""
}

// OfTable says that the step looks at rows beside each other, which a request has none of.
func (s *CleanStep) OfTable() bool {
	return s.DropDuplicates != nil || s.DropUnlabelled != nil || s.Filter != nil
}

// TableSteps are the steps that look at rows beside each other.
func (s *Spec) TableSteps() []CleanStep {
	var steps []CleanStep
	for _, step := range s.Clean {
		if step.OfTable() {
			steps = append(steps, step)
		}
	}
	return steps
}
