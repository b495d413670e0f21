package dataset

import (
	"encoding/binary"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// known are the names of the fields that the spec knows: a column that is new must not move rows.
func known(spec pipeline.Spec, fields []Field) []string {
	var names []string
	for _, f := range fields {
		if spec.Knows(f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// contentOf are the columns that make two rows equal.
func contentOf(spec pipeline.Spec, t Table) []*Column {
	var columns []*Column
	for _, name := range known(spec, t.Fields()) {
		columns = append(columns, t.Column(name))
	}
	return columns
}

// keys are the hashes that keep rows together, of the rows with a label: of their group, else of their entity, else of their content.
func keys(spec pipeline.Spec, t Table, labels []int8) ([]uint64, error) {
	of := contentOf(spec, t)
	if spec.Entity != "" {
		entity := t.Column(spec.Entity)
		if entity == nil {
			return nil, fault.New(fault.Invalid, "the entity column %q is missing", spec.Entity)
		}
		of = []*Column{entity}
	}
	var group []*Column
	if spec.Split.By == pipeline.Grouped {
		c := t.Column(spec.Split.Group)
		if c == nil {
			return nil, fault.New(fault.Invalid, "the group column %q is missing", spec.Split.Group)
		}
		group = []*Column{c}
	}
	keys := make([]uint64, len(labels))
	var scratch []byte
	for i := range labels {
		if labels[i] == unknown {
			continue
		}
		columns := of
		if group != nil && !group[0].Missing(i) {
			columns = group
		}
		keys[i], scratch = key(spec.Split.Seed, columns, i, scratch)
	}
	return keys, nil
}

// key is the digest of the seed and of the values. scratch is memory to use again.
func key(seed uint64, columns []*Column, row int, scratch []byte) (uint64, []byte) {
	values := binary.LittleEndian.AppendUint64(scratch[:0], seed)
	for _, c := range columns {
		values = appendValue(values, c, row)
	}
	return digest(values), values
}

// share maps a key to [0, 1), evenly.
func share(key uint64) float64 {
	const steps = 1 << 53
	return float64(key%steps) / steps
}
