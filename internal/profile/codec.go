package profile

import (
	"bytes"
	"encoding/gob"
	"math"

	"github.com/axiomhq/hyperloglog"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// stored is an accumulator as it is written. Everything that one knows is here: what is restored must add up to the same profile. Numbers are
// written as their bits, which also tell -0 from 0.
type stored struct {
	Rows    int
	Unit    int
	Periods []storedPeriod
	Columns []storedColumn
	Hashes  []uint64 // of the sample, whose values are those of the columns
	Limit   uint64
	Sampled [][]uint64
}

type storedPeriod struct {
	Key   int
	Tally tally
}

type storedColumn struct {
	Name      string
	Kind      dataset.Kind
	Role      Role
	Missing   tally
	MissingIn []int
	Distinct  []byte
	Numbers   storedNumbers
	Counted   bool // frequencies are known
	Texts     storedTexts
}

type storedNumbers struct {
	N     int
	Ends  []uint64 // min, max, mean, m2
	Sums  []uint64
	Pages []storedPage
}

// storedPage holds the cells that are not empty.
type storedPage struct {
	In      int
	At      []uint8
	Rows    []uint32 // by cell and class
	Ends    []uint64 // by cell: low, high
	Periods []uint32 // by period and coarse cell
}

type storedTexts struct {
	Names    []string
	Tallies  []tally
	InPeriod []uint32
	Periods  int
}

// MarshalBinary writes what the accumulator knows. The same rows give the same bytes.
func (a *Accumulator) MarshalBinary() ([]byte, error) {
	s := stored{Rows: a.rows, Unit: a.calendar.unit, Hashes: a.sample.hashes, Limit: a.sample.limit}
	for _, p := range a.calendar.periods {
		s.Periods = append(s.Periods, storedPeriod{p.key, p.tally})
	}
	for _, values := range a.sample.columns {
		s.Sampled = append(s.Sampled, bitsOf(values))
	}
	for i := range a.columns {
		c := &a.columns[i]
		distinct, err := c.distinct.MarshalBinary()
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "encoding the profile of a column")
		}
		of := storedColumn{
			Name: c.name, Kind: c.kind, Role: c.role, Missing: c.missing, MissingIn: c.missingIn, Distinct: distinct, Numbers: c.numbers.stored(),
			Counted: c.texts != nil,
		}
		if c.texts != nil {
			of.Texts = storedTexts{c.texts.names, c.texts.tallies, c.texts.inPeriod, c.texts.periods}
		}
		s.Columns = append(s.Columns, of)
	}
	var data bytes.Buffer
	err := gob.NewEncoder(&data).Encode(s)
	return data.Bytes(), fault.Wrap(fault.Internal, err, "encoding a profile")
}

// UnmarshalBinary makes the accumulator what MarshalBinary wrote, bit for bit. Anything else is fault.Invalid.
func (a *Accumulator) UnmarshalBinary(data []byte) error {
	var s stored
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&s); err != nil {
		return fault.Wrap(fault.Invalid, err, "not a stored profile")
	}
	if !s.whole() {
		return fault.New(fault.Invalid, "not a stored profile: its parts do not fit together")
	}
	*a = Accumulator{rows: s.Rows, calendar: calendar{unit: s.Unit}, sample: sample{hashes: s.Hashes, limit: s.Limit}}
	for _, p := range s.Periods {
		a.calendar.periods = append(a.calendar.periods, dated{p.Key, p.Tally})
	}
	for _, values := range s.Sampled {
		a.sample.columns = append(a.sample.columns, numbersOf(values))
	}
	for i := range s.Columns {
		of := &s.Columns[i]
		c := column{
			name: of.Name, kind: of.Kind, role: of.Role, missing: of.Missing, missingIn: append([]int{}, of.MissingIn...),
			distinct: hyperloglog.NewNoSparse(), numbers: of.Numbers.numbers(len(s.Periods)),
		}
		if err := c.distinct.UnmarshalBinary(of.Distinct); err != nil {
			return fault.Wrap(fault.Invalid, err, "not a stored profile")
		}
		if of.Kind == dataset.Text {
			c.numbers.sums = nil
		}
		if of.Counted {
			c.texts = of.Texts.texts()
		}
		a.columns = append(a.columns, c)
	}
	return nil
}

// whole reports whether what belongs together is equally long, so that nothing below reads past an end.
func (s *stored) whole() bool {
	periods := len(s.Periods)
	ok := s.Unit >= 0 && s.Unit < len(units) && len(s.Sampled) == len(s.Columns)
	for _, values := range s.Sampled {
		ok = ok && len(values) == len(s.Hashes)
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		texts, sums := &c.Texts, len(c.Numbers.Sums)
		ok = ok && len(c.MissingIn) == periods && len(c.Numbers.Ends) == 4 && (sums == periods || sums == 0) &&
			len(texts.Tallies) == len(texts.Names) && len(texts.InPeriod) == len(texts.Names)*texts.Periods && (!c.Counted || texts.Periods == periods)
		for j := range c.Numbers.Pages {
			p := &c.Numbers.Pages[j]
			ok = ok && p.In >= 0 && p.In < 1<<pageBits && len(p.Rows) == len(p.At)*classesOfRows && len(p.Ends) == 2*len(p.At) && len(p.Periods) == periods<<coarseBits
		}
	}
	return ok
}

func (s *numbers) stored() storedNumbers {
	to := storedNumbers{N: s.n, Ends: bitsOf([]float64{s.min, s.max, s.mean, s.m2}), Sums: bitsOf(s.sums)}
	for in, p := range s.pages {
		if p == nil {
			continue
		}
		of := storedPage{In: in}
		for at := range p.cells {
			if c := &p.cells[at]; !c.empty() {
				of.At = append(of.At, uint8(at))
				of.Rows = append(of.Rows, c.rows[:]...)
				of.Ends = append(of.Ends, math.Float64bits(c.low), math.Float64bits(c.high))
			}
		}
		for i := range p.periods {
			of.Periods = append(of.Periods, p.periods[i][:]...)
		}
		to.Pages = append(to.Pages, of)
	}
	return to
}

func (s *storedNumbers) numbers(periods int) numbers {
	ends := numbersOf(s.Ends)
	to := numbers{n: s.N, min: ends[0], max: ends[1], mean: ends[2], m2: ends[3], sums: numbersOf(s.Sums)}
	for _, of := range s.Pages {
		p := &page{periods: make([][1 << coarseBits]uint32, periods)}
		for i, at := range of.At {
			c := &p.cells[at]
			copy(c.rows[:], of.Rows[i*classesOfRows:])
			c.low, c.high = math.Float64frombits(of.Ends[2*i]), math.Float64frombits(of.Ends[2*i+1])
		}
		for i := range p.periods {
			copy(p.periods[i][:], of.Periods[i<<coarseBits:])
		}
		to.pages[of.In] = p
	}
	return to
}

func (s *storedTexts) texts() *texts {
	to := newTexts(s.Periods)
	to.names, to.tallies, to.inPeriod = s.Names, s.Tallies, s.InPeriod
	for i, name := range s.Names {
		to.index[name] = i
	}
	return to
}

func bitsOf(values []float64) []uint64 {
	words := make([]uint64, len(values))
	for i, x := range values {
		words[i] = math.Float64bits(x)
	}
	return words
}

func numbersOf(words []uint64) []float64 {
	values := make([]float64, len(words))
	for i, word := range words {
		values[i] = math.Float64frombits(word)
	}
	return values
}
