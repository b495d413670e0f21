package leak

// folds is how many parts cross-fitting takes: what is said of a row is learned from the rows of the other parts.
const folds = 5

// sample is the rows with a known label, in the order of the source.
type sample struct {
	rows     []int32
	positive []bool
	fold     []uint8
	count    tally
}

// sampleOf keeps the rows whose label is 1 or 0.
func sampleOf(y []float64) sample {
	var s sample
	for row, label := range y {
		if label != label {
			continue
		}
		fold := uint8(mix(uint64(row)) % folds)
		s.rows, s.positive, s.fold = append(s.rows, int32(row)), append(s.positive, label == 1), append(s.fold, fold)
		s.count.add(fold, label == 1)
	}
	return s
}

// speaks reports whether there are enough rows of each class.
func (s sample) speaks() bool {
	positives, negatives := s.count.classes()
	return min(positives, negatives) >= minClass
}

// tally counts rows by fold, and those with a positive label.
type tally struct {
	rows, positives [folds]int32
}

func (t *tally) add(fold uint8, positive bool) {
	t.rows[fold]++
	if positive {
		t.positives[fold]++
	}
}

// with is the sum of two tallies.
func (t tally) with(other tally) tally {
	for fold := range folds {
		t.rows[fold] += other.rows[fold]
		t.positives[fold] += other.positives[fold]
	}
	return t
}

// total counts over all folds.
func (t tally) total() (rows, positives int) {
	for fold := range folds {
		rows += int(t.rows[fold])
		positives += int(t.positives[fold])
	}
	return rows, positives
}

// classes are the two classes' rows.
func (t tally) classes() (positives, negatives int) {
	rows, positives := t.total()
	return positives, rows - positives
}

// mix spreads the bits of a number over all of its bits: the finaliser of SplitMix64, doi 10.1145/2714064.2660195.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
