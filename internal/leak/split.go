package leak

import (
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// Split looks at what crosses the borders between training, validation and test: the same applications, and the same entities. Validation is held
// against training, test against both. A veto's effect is a share of the later part, which its message names.
func Split(spec pipeline.Spec, train, validation, test dataset.Table) []Veto {
	parts := []part{{"training", train}, {"validation", validation}, {"test", test}}
	return slices.Concat(duplicates(spec, parts), entities(spec, parts))
}

// part is one part of a split.
type part struct {
	name  string
	table dataset.Table
}

// featuresOf are the feature columns of a part, nil where one is missing.
func featuresOf(spec pipeline.Spec, t *dataset.Table) []*dataset.Column {
	columns := make([]*dataset.Column, len(spec.Columns))
	for i, column := range spec.Columns {
		columns[i] = t.Column(column.Name)
	}
	return columns
}

// entities vetoes a part in which entities of an earlier part come again. That is a fact and no estimate, and one row per entity is wanted, so
// nothing is accepted.
func entities(spec pipeline.Spec, parts []part) []Veto {
	if spec.Entity == "" {
		return nil
	}
	var vetoes []Veto
	earlier := map[uint64]bool{}
	for i, p := range parts {
		c := p.table.Column(spec.Entity)
		if c == nil {
			continue
		}
		again := 0
		mine := make([]uint64, 0, c.Len())
		for row := range c.Len() {
			if c.Missing(row) {
				continue
			}
			key := digest(c, row)
			mine = append(mine, key)
			if earlier[key] {
				again++
			}
		}
		for _, key := range mine {
			earlier[key] = true
		}
		if i > 0 && again > 0 {
			vetoes = append(vetoes, Veto{
				Column: spec.Entity, Rule: Entities, Effect: float64(again) / float64(c.Len()), Count: again,
				Message: fmt.Sprintf("%d of %d rows of the %s part are of entities (%q) that an earlier part holds as well: what was learned of them is tested on them; split by the entity",
					again, c.Len(), p.name, spec.Entity),
			})
		}
	}
	return vetoes
}
