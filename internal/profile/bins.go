package profile

const (
	// maxBins of numbers beside codes, and maxCells that have one each.
	maxBins, maxCells = 10, 12
	// shownTexts is how many texts a profile shows of a column; the others are one bin.
	shownTexts = 12
)

// bin is some values of a column.
type bin struct {
	kind      BinKind
	low, high float64
	text      string
	tally     tally
}

// BinKind is what the values of a bin have in common.
type BinKind string

// The kinds of bins.
const (
	BinRange   BinKind = "range" // numbers from one to another
	BinText    BinKind = "text"
	BinOther   BinKind = "other" // all texts that are not shown
	BinMissing BinKind = "missing"
)

// binned cuts cells into bins of nearly equal numbers of rows. Codes, and the values of a column of few, have one each.
func binned(values []value, n *Numbers) []bin {
	if n == nil {
		return nil
	}
	var out []bin
	rest, left := 0, 0
	for _, v := range values {
		if !n.isCode(v) {
			rest, left = rest+1, left+v.tally.rows()
		}
	}
	apart := rest <= maxCells
	bins := maxBins
	open := false // the last bin takes more
	for _, v := range values {
		code, rows := n.isCode(v), v.tally.rows()
		if open && !code {
			// As near as whole cells come: a cell that would overshoot by more than the bin is short of begins the next.
			last := &out[len(out)-1]
			short := left/bins - last.tally.rows()
			if short > 0 && rows-short <= short || bins == 1 {
				last.high = v.high
				last.tally.add(v.tally)
				continue
			}
			left, bins = left-last.tally.rows(), bins-1
		}
		out = append(out, bin{kind: BinRange, low: v.low, high: v.high, tally: v.tally})
		open = !code && !apart
	}
	return out
}

// top are the most frequent texts, equally frequent ones in their own order; those of very few rows are not shown.
func (s *texts) top() []Value {
	var values []Value
	for _, at := range s.ranked() {
		if rows := s.tallies[at].rows(); rows >= MinRows && len(values) < shownTexts {
			values = append(values, Value{Text: s.names[at], Count: rows})
		}
	}
	return values
}

// bins are the texts that are shown, and all others.
func (s *texts) bins() []bin {
	var out []bin
	others := bin{kind: BinOther}
	for _, at := range s.ranked() {
		if s.tallies[at].rows() >= MinRows && len(out) < shownTexts {
			out = append(out, bin{kind: BinText, text: s.names[at], tally: s.tallies[at]})
		} else {
			others.tally.add(s.tallies[at])
		}
	}
	if others.tally.rows() > 0 {
		out = append(out, others)
	}
	return out
}

func missingBin(t tally) []bin {
	if t.rows() == 0 {
		return nil
	}
	return []bin{{kind: BinMissing, tally: t}}
}
