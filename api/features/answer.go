package features

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// answer is what Feast's servers answer: the entities' keys, then the features that were asked for, each with the values of all entities, where these come
// from, and when they were true.
func (s *Server) answer(q *question, columns []column, readings map[*view][]feature.Reading) []byte {
	out := append(make([]byte, 0, 128+(len(columns)+len(q.entities))*(64+48*q.rows)), `{"metadata":{"feature_names":[`...)
	for i, e := range q.entities {
		out = appendText(comma(out, i), e.name)
	}
	for i := range columns {
		out = append(comma(out, len(q.entities)+i), columns[i].quoted...)
	}
	out = append(out, `]},"results":[`...)
	for i, e := range q.entities {
		out = result(comma(out, i), q.rows,
			func(out []byte, row int) []byte { return append(out, e.sent[row]...) },
			func(row int) feature.Status {
				if e.texts[row] == "" {
					return feature.Null
				}
				return feature.Present
			},
			func(int) []byte { return never })
	}
	events := make(map[*view][][]byte, len(readings)) // once for all features of a view
	for v, of := range readings {
		events[v] = make([][]byte, len(of))
		for row := range of {
			events[v][row] = appendInstant(nil, of[row].Event)
		}
	}
	for i, c := range columns {
		of, at, place := readings[c.view], events[c.view], c.place
		out = result(comma(out, len(q.entities)+i), q.rows,
			func(out []byte, row int) []byte { return appendValue(out, c.view.types[place], of[row].Values[place]) },
			func(row int) feature.Status { return of[row].Statuses[place] },
			func(row int) []byte { return at[row] })
	}
	s.metrics.answered(columns, readings)
	return append(out, "]}\n"...)
}

// never is when keys were true, which are true whenever they are sent.
var never = appendInstant(nil, 0)

// result is one column of an answer.
func result(out []byte, rows int, value func(out []byte, row int) []byte, status func(row int) feature.Status, event func(row int) []byte) []byte {
	out = append(out, `{"values":[`...)
	for row := range rows {
		out = value(comma(out, row), row)
	}
	out = append(out, `],"statuses":[`...)
	for row := range rows {
		out = append(append(append(comma(out, row), '"'), status(row)...), '"')
	}
	out = append(out, `],"event_timestamps":[`...)
	for row := range rows {
		out = append(comma(out, row), event(row)...)
	}
	return append(out, "]}"...)
}

func comma(out []byte, i int) []byte {
	if i == 0 {
		return out
	}
	return append(out, ',')
}

func appendText(out []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("features: a text that is no JSON: " + err.Error())
	}
	return append(out, quoted...)
}

// appendInstant writes no fraction or six digits, which is what all of Feast's clients read.
func appendInstant(out []byte, at feature.Instant) []byte {
	layout := `"2006-01-02T15:04:05Z"`
	if at%1_000_000 != 0 {
		layout = `"2006-01-02T15:04:05.000000Z"`
	}
	return at.Time().AppendFormat(out, layout)
}

// appendValue writes a value so that it is read back as itself, and its type with it: a number that is whole has a fraction, an integer has none.
func appendValue(out []byte, of pipeline.ColumnType, v transform.Value) []byte {
	switch {
	case v.Missing:
		return append(out, "null"...)
	case of == pipeline.Category:
		return appendText(out, v.Text)
	case of == pipeline.Boolean:
		return strconv.AppendBool(out, v.Number == 1)
	case of == pipeline.Integer:
		return strconv.AppendFloat(out, v.Number, 'f', -1, 64)
	}
	begin := len(out)
	if out = strconv.AppendFloat(out, v.Number, 'g', -1, 64); !bytes.ContainsAny(out[begin:], ".e") {
		out = append(out, ".0"...)
	}
	return out
}
