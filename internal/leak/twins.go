package leak

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// grouped is the rows of all parts by their content.
type grouped struct {
	spec  pipeline.Spec
	parts [parts]part
	first [parts]int // the number, among the rows of all parts, at which each part begins
	// origins marks the rows in which a content comes first, and different is how many there are.
	origins   []bool
	different int
	held      [parts]int // different contents of each part
	twins     []twin
}

// twin is a content that comes in a part and in a later one.
type twin struct {
	row  int        // the number of its origin
	part int        // that of its origin
	rows [parts]int // of each part that hold it
}

// group reads every part once.
func group(ctx context.Context, spec pipeline.Spec, of [parts]part) (*grouped, error) {
	g := &grouped{spec: spec, parts: of}
	total := 0
	for i, p := range of {
		g.first[i] = total
		total += p.batches.Rows
	}
	rows := make([]keyed, total)
	err := g.each(ctx, func(first int, columns []*dataset.Column, n int) {
		for row := range n {
			rows[first+row] = keyed{uint64(contentOf(columns, row)), int32(first + row)}
		}
	})
	if err != nil {
		return nil, err
	}
	sortKeyed(rows)
	g.origins = make([]bool, total)
	for from := 0; from < total; {
		to := from + 1
		for to < total && rows[to].key == rows[from].key {
			to++
		}
		g.add(rows[from:to])
		from = to
	}
	return g, nil
}

// add notes the rows of one content, in their order.
func (g *grouped) add(rows []keyed) {
	g.origins[rows[0].row] = true
	g.different++
	var counts [parts]int
	part, in := 0, 0
	for _, r := range rows {
		for part+1 < parts && int(r.row) >= g.first[part+1] {
			part++
		}
		if counts[part]++; counts[part] == 1 {
			g.held[part]++
			in++
		}
	}
	if in > 1 {
		t := twin{row: int(rows[0].row), rows: counts}
		for t.rows[t.part] == 0 {
			t.part++
		}
		g.twins = append(g.twins, t)
	}
}

// each gives the feature columns of every batch, and the number of its first row among the rows of all parts. Batches are worked on side by side.
func (g *grouped) each(ctx context.Context, do func(first int, columns []*dataset.Column, rows int)) error {
	for i, p := range g.parts {
		err := p.batches.Each(ctx, namesOf(g.spec), func(first int, t dataset.Table) error {
			do(g.first[i]+first, featuresOf(g.spec, &t), t.Rows())
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// telling reports which twins tell applicants apart and are not explained by chance. It reads every part twice: what the twins hold, and how many contents
// hold each of it.
func (g *grouped) telling(ctx context.Context) ([]bool, error) {
	type pair struct{ value, without content }
	pairs := make([][]pair, len(g.twins))
	twinAt := make(map[int]int, len(g.twins))
	for k, t := range g.twins {
		twinAt[t.row] = k
	}
	pairsOf := func(columns []*dataset.Column, row int, do func(value, without content)) {
		whole := contentOf(columns, row)
		for j, column := range columns {
			value := valueOf(column, j, row)
			do(value, content(mix(uint64(whole-value)+uint64(j))))
		}
	}
	err := g.each(ctx, func(first int, columns []*dataset.Column, rows int) {
		for row := range rows {
			if k, is := twinAt[first+row]; is {
				pairsOf(columns, row, func(value, without content) { pairs[k] = append(pairs[k], pair{value, without}) })
			}
		}
	})
	if err != nil {
		return nil, err
	}
	// How many contents hold each value of a twin, and how many hold all of its values but one.
	held, agree := map[content]*atomic.Int64{}, map[content]*atomic.Int64{}
	for _, of := range pairs {
		for _, p := range of {
			held[p.value], agree[p.without] = &atomic.Int64{}, &atomic.Int64{}
		}
	}
	err = g.each(ctx, func(first int, columns []*dataset.Column, rows int) {
		for row := range rows {
			if !g.origins[first+row] {
				continue
			}
			pairsOf(columns, row, func(value, without content) {
				if n, of := held[value]; of {
					n.Add(1)
				}
				if n, of := agree[without]; of {
					n.Add(1)
				}
			})
		}
	})
	others := float64(g.different - 1)
	counted := make([]bool, len(g.twins))
	for k := range g.twins {
		rarest, together, chance := 1., 1., 0.
		for _, p := range pairs[k] {
			holding := float64(held[p.value].Load())
			share := holding / float64(g.different)
			rarest, together = math.Min(rarest, share), together*share
			if near := float64(agree[p.without].Load() - 1); near > 0 { // so that others differ in the column, and share is below 1
				share := (holding - 1) / others
				chance = math.Max(chance, near*share/(1-share))
			}
		}
		counted[k] = rarest <= rareShare && together/rarest <= rareShare && chance < maxChance
	}
	return counted, err
}
