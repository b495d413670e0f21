// Package profile is a description of a table of applications: its columns, how they go with the label, how they change over time and with each
// other, and what an analyst should do about it. It is made in one pass over batches of rows.
package profile

import "github.com/loanops/loanops/internal/dataset"

// Profile is a described table. The label counts only where it is known and mature.
type Profile struct {
	Name         string         `json:"name"`
	Rows         int            `json:"rows"`
	Labelled     int            `json:"labelled"`
	Positive     int            `json:"positive"`
	Columns      []Column       `json:"columns"`
	Observations []Observation  `json:"observations"`
	Periods      []Period       `json:"periods,omitempty"`      // of the time column, in order; none without one
	Sample       int            `json:"sample"`                 // rows that Associations and Missing were counted in
	Associations *Associations  `json:"associations,omitempty"` // nil with fewer than two columns
	Missing      *MissingValues `json:"missing,omitempty"`      // nil when no value is missing
}

// Column is one described column. Values of texts that fewer than MinRows rows have are shown nowhere.
type Column struct {
	Name      string       `json:"name"`
	Role      Role         `json:"role"`
	Type      dataset.Kind `json:"type"`    // number, integer, decimal, boolean, date, timestamp or text
	Numeric   bool         `json:"numeric"` // all but text
	Missing   int          `json:"missing"` // rows
	Distinct  int          `json:"distinct"`
	Numbers   *Numbers     `json:"numbers,omitempty"`
	Top       []Value      `json:"top,omitempty"`       // the most frequent values of a column of texts
	ByLabel   *ByLabel     `json:"by_label,omitempty"`  // nil for the label, without labelled rows of both classes, and for too many texts
	Stability *Stability   `json:"stability,omitempty"` // nil with fewer than two periods, and for too many texts
}

// Numbers describes a column of numbers. Every quantile is a number that a row had, right within 0.4 % of itself.
type Numbers struct {
	Min    float64 `json:"min"`
	Q01    float64 `json:"q01"`
	Q05    float64 `json:"q05"`
	Q25    float64 `json:"q25"`
	Median float64 `json:"median"`
	Q75    float64 `json:"q75"`
	Q95    float64 `json:"q95"`
	Q99    float64 `json:"q99"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
	SD     float64 `json:"sd"`
	// Skewness is the third standardised moment, from the cells of the numbers: right within about 1 %. 0 when all are equal.
	Skewness  float64   `json:"skewness"`
	Zeros     int       `json:"zeros"`
	Negatives int       `json:"negatives"`
	Histogram Histogram `json:"histogram"`
	// Codes are numbers far outside the rest that repeat, such as -9 or 9999: they may say why there is none.
	Codes []Code `json:"codes,omitempty"`
	// Outliers are rows more than ten interquartile ranges beyond the quartiles, codes aside.
	Outliers int `json:"outliers"`
}

// Histogram counts rows from From up to To: Bars holds one bar per value where there are at most 24 different ones, else equally wide bins, of
// whole numbers for whole numbers. Below and Above are rows outside of it, where long tails would leave no room for the rest.
type Histogram struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Below int     `json:"below"`
	Above int     `json:"above"`
	Bars  []Bar   `json:"bars"`
}

// Bar is the rows of a bin of a histogram; those of neither class have no label.
type Bar struct {
	Value    *float64 `json:"value,omitempty"` // of a bin of one value
	Rows     int      `json:"rows"`
	Negative int      `json:"negative"`
	Positive int      `json:"positive"`
}

// Code is a number and how often it occurs.
type Code struct {
	Value float64 `json:"value"`
	Rows  int     `json:"rows"`
}

// Value is a text and how often it occurs.
type Value struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}

// Period is the rows of a month, a quarter, a year or more of the time column.
type Period struct {
	Name     string `json:"name"` // 2026-06, 2026 Q2, 2026, 2020–2024
	Rows     int    `json:"rows"`
	Labelled int    `json:"labelled"`
	Positive int    `json:"positive"`
}

// MinRows is how many rows a text must have to be shown. A rarer one counts as other.
const MinRows = dataset.LeastNamed
