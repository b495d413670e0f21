// Package profile is a description of a table: what a warehouse measures, and what a report shows of it.
package profile

// Profile is a described table.
type Profile struct {
	Name    string   `json:"name"`
	Rows    int      `json:"rows"`
	Columns []Column `json:"columns"`
}

// Column is one described column.
type Column struct {
	Name     string   `json:"name"`
	Numeric  bool     `json:"numeric"`
	Missing  int      `json:"missing"`
	Distinct int      `json:"distinct"`
	Numbers  *Numbers `json:"numbers,omitempty"`
	Top      []Value  `json:"top,omitempty"` // the most frequent values of a column of texts
}

// Numbers describes a column of numbers. Histogram counts values in equally wide bins from Min to Max.
type Numbers struct {
	Min       float64 `json:"min"`
	Q25       float64 `json:"q25"`
	Median    float64 `json:"median"`
	Q75       float64 `json:"q75"`
	Max       float64 `json:"max"`
	Mean      float64 `json:"mean"`
	SD        float64 `json:"sd"`
	Histogram []int   `json:"histogram"`
}

// Value is a text and how often it occurs.
type Value struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}
