package drift

// mostOthers is how many values without a bin of their own are told apart. Where there are more, those whose hash ends in a 0 bit are, or in two, and so on:
// they are as good as drawn by chance, whatever their frequency.
const mostOthers = 1 << 20

// Others are the rows of values of a category that have no bin of their own, by the values' hashes.
type Others struct {
	Rows map[uint64]int64 `json:"rows"`
	// Bits is how many of the hash's last bits are 0 of the values that are told apart.
	Bits int `json:"bits,omitempty"`
}

// add counts rows of a value. The order in which rows come does not matter: bits grow until few enough values are left, whichever came first.
func (o *Others) add(hash uint64, rows int64) {
	if !o.has(hash) {
		return
	}
	if o.Rows == nil {
		o.Rows = map[uint64]int64{}
	}
	o.Rows[hash] += rows
	if len(o.Rows) > mostOthers {
		*o = o.thinned(o.Bits + 1)
	}
}

func (o *Others) has(hash uint64) bool { return hash&(1<<o.Bits-1) == 0 }

// merge adds the rows of others.
func (o *Others) merge(other Others) {
	if other.Bits > o.Bits {
		*o = o.thinned(other.Bits)
	}
	for hash, rows := range other.Rows {
		o.add(hash, rows)
	}
}

// thinned are those of which so many bits are 0.
func (o *Others) thinned(bits int) Others {
	if bits <= o.Bits {
		return *o
	}
	t := Others{Rows: map[uint64]int64{}, Bits: bits}
	for hash, rows := range o.Rows {
		if t.has(hash) {
			t.Rows[hash] = rows
		}
	}
	if len(t.Rows) > mostOthers {
		return t.thinned(bits + 1)
	}
	return t
}

// hashOf is FNV-1a of 64 bits, http://www.isthe.com/chongo/tech/comp/fnv/, mixed as by Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195, so that its
// last bits depend on all of the text.
func hashOf(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
