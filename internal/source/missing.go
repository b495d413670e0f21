package source

import (
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// missing are texts that mean a missing value, the empty one among them.
type missing struct {
	texts map[string]bool
	// lengths has a bit for every length that one of them has, the last for all longer ones: most values need no look-up.
	lengths uint64
}

func newMissing(texts []string) *missing {
	m := &missing{texts: map[string]bool{"": true}, lengths: 1}
	for _, text := range texts {
		m.texts[text] = true
		m.lengths |= 1 << min(len(text), bits.UintSize-1)
	}
	return m
}

func (m *missing) is(value []byte) bool {
	return m.lengths>>min(len(value), bits.UintSize-1)&1 == 1 && m.texts[string(value)]
}

// without returns strings with nulls for those that mean a missing value, so that a Parquet file reads as the same rows from CSV do. Other
// values pass as they are.
func (m *missing) without(values arrow.Array) arrow.Array {
	texts, are := values.(*array.String)
	if !are {
		return values
	}
	var valid []byte
	nulls, offset := texts.NullN(), texts.Data().Offset()
	for i := range texts.Len() {
		value := texts.Value(i)
		if m.lengths>>min(len(value), bits.UintSize-1)&1 == 0 || !m.texts[value] || texts.IsNull(i) {
			continue
		}
		if valid == nil {
			valid = validity(texts)
		}
		bitutil.ClearBit(valid, offset+i)
		nulls++
	}
	if valid == nil {
		return values
	}
	buffers := texts.Data().Buffers()
	return array.NewStringData(array.NewData(texts.DataType(), texts.Len(), []*memory.Buffer{memory.NewBufferBytes(valid), buffers[1], buffers[2]}, nil, nulls, offset))
}

// validity is a copy of the bits that say which values are there.
func validity(values arrow.Array) []byte {
	bits := make([]byte, bitutil.BytesForBits(int64(values.Data().Offset()+values.Len())))
	for i := range values.Len() {
		if values.IsValid(i) {
			bitutil.SetBit(bits, values.Data().Offset()+i)
		}
	}
	return bits
}
