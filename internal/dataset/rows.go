package dataset

import (
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
)

const secondsPerDay = 24 * 60 * 60

// Day is the number of days from 1970-01-01 to t, as a Date column holds it.
func Day(t time.Time) float64 { return math.Floor(float64(t.Unix()) / secondsPerDay) }

// DayOf is the day that a Date column holds as a number.
func DayOf(day float64) time.Time { return time.Unix(int64(day)*secondsPerDay, 0).UTC() }

// Day is the day of row i of a Date or Timestamp column; NaN when it is missing.
func (c *Column) Day(i int) float64 {
	if c.Kind == Timestamp {
		return math.Floor(c.Floats[i] / (secondsPerDay * 1e6))
	}
	return c.Floats[i]
}

// Select returns the table's rows at the indices, in that order.
func (t Table) Select(rows []int) Table {
	out := Table{Columns: make([]Column, len(t.Columns))}
	for i, c := range t.Columns {
		selected := Column{Name: c.Name, Kind: c.Kind}
		if c.Kind == Text {
			selected.Texts, selected.Valid = make([]string, len(rows)), make([]bool, len(rows))
			for k, row := range rows {
				selected.Texts[k], selected.Valid[k] = c.Texts[row], c.Valid[row]
			}
		} else {
			selected.Floats = make([]float64, len(rows))
			for k, row := range rows {
				selected.Floats[k] = c.Floats[row]
			}
		}
		out.Columns[i] = selected
	}
	return out
}

// text is row i of the column as text: what a CSV file holds. A missing value is empty.
func (c *Column) text(i int) string {
	switch {
	case c.Missing(i):
		return ""
	case c.Kind == Text:
		return c.Texts[i]
	case c.Kind == Date:
		return time.Unix(int64(c.Floats[i])*secondsPerDay, 0).UTC().Format(pipeline.DateLayout)
	case c.Kind == Timestamp:
		return time.UnixMicro(int64(c.Floats[i])).UTC().Format(time.RFC3339Nano)
	case c.Kind == Boolean:
		return strconv.FormatBool(c.Floats[i] != 0)
	default:
		return strconv.FormatFloat(c.Floats[i], 'g', -1, 64)
	}
}

// WriteCSV writes the table with a header line. A missing value is an empty field.
func WriteCSV(w io.Writer, t Table) error {
	out := csv.NewWriter(w)
	record := make([]string, len(t.Columns))
	for i := range t.Columns {
		record[i] = t.Columns[i].Name
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for row := range t.Rows() {
		for i := range t.Columns {
			record[i] = t.Columns[i].text(row)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Join adds every column of other but on to t, by equal values of on (a Text column of both). A row of t without a
// partner gets missing values. Of several partners the first counts.
func (t Table) Join(other Table, on string) Table {
	partner := map[string]int{}
	key := other.Column(on)
	for i, value := range key.Texts {
		if _, taken := partner[value]; !taken && key.Valid[i] {
			partner[value] = i
		}
	}
	mine := t.Column(on)
	out := Table{Columns: slices.Clone(t.Columns)}
	for _, c := range other.Columns {
		if c.Name == on {
			continue
		}
		joined := Column{Name: c.Name, Kind: c.Kind}
		for i, value := range mine.Texts {
			row, ok := partner[value]
			ok = ok && mine.Valid[i]
			switch {
			case c.Kind == Text:
				text := ""
				if ok {
					text = c.Texts[row]
				}
				joined.Texts = append(joined.Texts, text)
				joined.Valid = append(joined.Valid, ok && c.Valid[row])
			case ok:
				joined.Floats = append(joined.Floats, c.Floats[row])
			default:
				joined.Floats = append(joined.Floats, math.NaN())
			}
		}
		out.Columns = append(out.Columns, joined)
	}
	return out
}
