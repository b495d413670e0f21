package git

import (
	"bytes"
	"slices"
)

const (
	// maxMergedBytes bounds a file that is merged by lines.
	maxMergedBytes = 16 << 20
	// maxEdits bounds the lines in which a side may differ from the base: beyond it a merge by lines says little, and its search costs much.
	maxEdits = 4000
	// binaryLook is how much of a file git looks at for a byte that no text has.
	binaryLook = 8000
)

// mergeLines merges two changes of a text, line by line, as `git merge-file` does: what only one side changed is taken from it; what both changed, in lines that overlap or touch, is
// clean only where both changed it to the same. Of a binary file, and of one that changed in too many lines, it says that it is not.
func mergeLines(base, ours, theirs []byte) (merged []byte, clean bool) {
	numbers := map[string]int{}
	var lines [3][]string
	var numbered [3][]int
	for i, content := range [3][]byte{base, ours, theirs} {
		if bytes.IndexByte(content[:min(len(content), binaryLook)], 0) >= 0 {
			return nil, false
		}
		for line := range bytes.Lines(content) {
			text := string(line)
			number, has := numbers[text]
			if !has {
				number = len(numbers)
				numbers[text] = number
			}
			lines[i] = append(lines[i], text)
			numbered[i] = append(numbered[i], number)
		}
	}
	ourHunks, ok := diff(numbered[0], numbered[1])
	theirHunks, alsoOK := diff(numbered[0], numbered[2])
	if !ok || !alsoOK {
		return nil, false
	}
	return combine(lines[0], &side{lines[1], ourHunks}, &side{lines[2], theirHunks})
}

// hunk says that lines from..to of the base are lines first..last of a side; neither end is included.
type hunk struct{ from, to, first, last int }

// side is a changed text, with the hunks that are not merged yet.
type side struct {
	lines []string
	hunks []hunk
}

// next is where the next hunk begins, or end.
func (s *side) next(end int) int {
	if len(s.hunks) == 0 {
		return end
	}
	return s.hunks[0].from
}

// grow takes the hunks that touch lines up to an end, and says where they end.
func (s *side) grow(end int, taken []hunk) (int, []hunk) {
	for len(s.hunks) > 0 && s.hunks[0].from <= end {
		end = max(end, s.hunks[0].to)
		taken = append(taken, s.hunks[0])
		s.hunks = s.hunks[1:]
	}
	return end, taken
}

// of is the side's text for lines from..to of the base, which the hunks changed.
func (s *side) of(base []string, from, to int, changed []hunk) []string {
	var text []string
	for _, h := range changed {
		text = append(text, base[from:h.from]...)
		text = append(text, s.lines[h.first:h.last]...)
		from = h.to
	}
	return append(text, base[from:to]...)
}

func combine(base []string, ours, theirs *side) (merged []byte, clean bool) {
	var out bytes.Buffer
	write := func(lines []string) {
		for _, line := range lines {
			out.WriteString(line)
		}
	}
	at := 0
	for len(ours.hunks) > 0 || len(theirs.hunks) > 0 {
		from := min(ours.next(len(base)), theirs.next(len(base)))
		write(base[at:from])
		var mine, yours []hunk
		to := from
		for taken := -1; taken < len(mine)+len(yours); {
			taken = len(mine) + len(yours)
			to, mine = ours.grow(to, mine)
			to, yours = theirs.grow(to, yours)
		}
		our, their := ours.of(base, from, to, mine), theirs.of(base, from, to, yours)
		switch {
		case len(yours) == 0 || slices.Equal(our, their):
			write(our)
		case len(mine) == 0:
			write(their)
		default:
			return nil, false
		}
		at = to
	}
	write(base[at:])
	return out.Bytes(), true
}
