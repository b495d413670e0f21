package simulate

import (
	"github.com/loanops/loanops/internal/dataset"
)

// fed is a feed on its way into a stream's parts.
type fed struct {
	name  string
	table dataset.Table
	known *dataset.Column // the instants at which its rows came, which is their order
	next  int             // the row that the next part begins with
}

// feeds are those that the stream is to have. They have persons of their own, as the ones of its parts come in another order.
func (s *streaming) feeds() ([]*fed, error) {
	var all []*fed
	for _, name := range s.Feeds {
		f, err := feeds{newPopulation(s.Seed, s.first, float64(s.RowsPerDay), s.dayOf, s.draw), s.first, dataset.Day(s.AsOf)}.of(name)
		if err != nil {
			return nil, err
		}
		all = append(all, &fed{name: name, table: f, known: f.Column(knownColumn[name])})
	}
	return all, nil
}

// until are the rows that came by the end of a day, after those that it gave before.
func (f *fed) until(day float64) dataset.Table {
	var rows []int
	for ; f.next < len(f.known.Floats) && f.known.Day(f.next) <= day; f.next++ {
		rows = append(rows, f.next)
	}
	return f.table.Select(rows)
}
