package infer

import (
	"hash/fnv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/text/unicode/norm"
)

const (
	// maxTexts and maxTextBytes bound the texts of a column that are counted one by one: more of them, or longer ones, are no category.
	maxTexts     = 1_000
	maxTextBytes = 100
	// maxRemembered is how many different texts of a slice are looked at once, however often they come.
	maxRemembered = 4_096
	// maxFollowed is how many columns are followed to their last row to see whether they are unique, and maxFollowedValues how many different values
	// of all of them: in the order of their preference those beyond are given up. A value takes 20 to 40 bytes.
	maxFollowed       = 8
	maxFollowedValues = 14_000_000
)

// mostDistinct is how many different values are counted in each of so many columns; it bounds the memory for wide tables.
func mostDistinct(columns int) int { return max(2_048, min(100_000, (1<<23)/columns)) }

// tally is what was seen of one column. Those of slices add up.
type tally struct {
	rows, missing, unreadable int64
	// words counts texts that may say that there is no value; they are in none of the counts below but texts.
	words map[string]int64
	// values are those that are neither missing, unreadable nor words.
	values int64
	// fits are the forms that every value has, seen those that some value has.
	fits, seen     form
	currencies     uint32                     // a bit for each that was seen
	extremes       [1 + len(amounts)]extremes // of numbers; of amounts in each way to write them
	texts          map[string]int64           // composed and trimmed; nil when there are too many
	tooMany        bool
	spaced, spread bool // some text has white space around it; some has such as only trim removes, or a word has
	// hashes are those of different values.
	hashes   map[uint64]struct{}
	repeated bool // a value was seen twice
	more     bool // there are more different values than were counted
	counted  int64
	// distinctKnown: nothing more is to be learnt of how many values differ.
	distinctKnown bool
}

// count tallies the values of a slice. Nobody asks for different ones where that is known.
func (t *tally) count(raw arrow.Array, text func(int) string, distinctKnown bool) {
	t.distinctKnown = distinctKnown
	t.words, t.texts, t.hashes, t.fits = map[string]int64{}, map[string]int64{}, map[uint64]struct{}{}, everyForm
	t.rows = int64(raw.Len())
	remembered := map[string]int64{}
	for row := range raw.Len() {
		if raw.IsNull(row) {
			t.missing++
			continue
		}
		value := text(row)
		if _, known := remembered[value]; known || len(remembered) < maxRemembered {
			remembered[value]++
			continue
		}
		t.look(value, 1)
	}
	for value, times := range remembered {
		t.look(value, times)
	}
}

// look tallies a text that stands in so many rows.
func (t *tally) look(raw string, times int64) {
	if !readable(raw) {
		t.unreadable += times
		return
	}
	composed := norm.NFC.String(raw)
	text := strings.TrimSpace(composed)
	t.spaced = t.spaced || text != composed
	t.spread = t.spread || strings.TrimSpace(raw) != strings.Trim(raw, " \t")
	if text == "" {
		t.missing += times
		return
	}
	t.note(text, times)
	if missingWords[text] != notSaid {
		t.words[strings.Clone(text)] += times
		t.spread = t.spread || strings.TrimSpace(raw) != raw
		return
	}
	t.values += times
	t.different(text, times)
	r := reading{}
	r.read(text, t.fits)
	t.fits &= r.fits
	t.seen |= r.fits
	t.currencies |= r.currencies
	if r.fits&numberForm != 0 {
		t.extremes[0].add(r.numbers[0], int(times))
	}
	for i := range amounts {
		if r.fits&amountForm(i) != 0 {
			t.extremes[1+i].add(r.numbers[1+i], int(times))
		}
	}
}

// note counts a text by itself, while there are few.
func (t *tally) note(text string, times int64) {
	if t.tooMany {
		return
	}
	switch _, known := t.texts[text]; {
	case known:
		t.texts[text] += times
	case len(t.texts) < maxTexts && len(text) <= maxTextBytes:
		t.texts[strings.Clone(text)] = times // the text itself is a part of its slice
	default:
		t.texts, t.tooMany = nil, true
	}
}

// different notes a value among those that differ.
func (t *tally) different(text string, times int64) {
	if t.distinctKnown {
		return
	}
	h := hash(text)
	_, again := t.hashes[h]
	t.repeated = t.repeated || again || times > 1
	t.hashes[h] = struct{}{}
}

// hash is FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): two of five million values share one with a probability below 1e-6.
func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// add continues with the next rows.
func (t *tally) add(next *tally) {
	if t.rows == 0 {
		t.fits, t.words, t.texts, t.hashes = everyForm, map[string]int64{}, map[string]int64{}, map[uint64]struct{}{}
	}
	t.rows += next.rows
	t.missing += next.missing
	t.unreadable += next.unreadable
	t.values += next.values
	t.fits &= next.fits
	t.seen |= next.seen
	t.currencies |= next.currencies
	t.spaced, t.spread = t.spaced || next.spaced, t.spread || next.spread
	for word, times := range next.words {
		t.words[word] += times
	}
	for i := range next.extremes {
		t.extremes[i].merge(&next.extremes[i])
	}
	if next.tooMany {
		t.texts, t.tooMany = nil, true
	}
	for text, times := range next.texts {
		t.note(text, times)
	}
	t.addDifferent(next)
}

func (t *tally) addDifferent(next *tally) {
	if t.distinctKnown {
		return
	}
	t.repeated = t.repeated || next.repeated
	for h := range next.hashes {
		if _, again := t.hashes[h]; again {
			t.repeated = true
			continue
		}
		t.hashes[h] = struct{}{}
	}
}

// follow ends the counting in columns of more than most different values, but for those that may still be the entity: maxFollowed whose values are
// all different so far, and no amounts, dates or numbers with fractions; those first whose names say that they identify.
func follow(names []string, all []tally, most, mostFollowed int) {
	columns, values := 0, 0
	for _, byName := range []bool{true, false} {
		for i := range all {
			t := &all[i]
			if identifies(names[i]) != byName || len(t.hashes) <= most {
				continue
			}
			if !t.repeated && t.maybeKey() && columns < maxFollowed && values+len(t.hashes) <= mostFollowed {
				columns, values = columns+1, values+len(t.hashes)
				continue
			}
			t.counted = int64(most)
			t.more, t.distinctKnown, t.hashes = true, true, nil
		}
	}
}

// maybeKey says that the values so far are whole numbers, or no quantities or times at all.
func (t *tally) maybeKey() bool {
	return t.missing == 0 && (t.fits&integerForm != 0 || t.fits&^localForm == 0)
}
