package leak

import (
	"context"
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
)

const (
	// maxDuplicates is the largest share of a part's applications that may be in an earlier part as well. Less moves no metric.
	maxDuplicates = 0.01
	// rareShare is the largest share of the contents that hold the rarest value of a content that tells applicants apart, and the largest that its
	// other values have together.
	rareShare = 0.01
	// maxChance is how many contents may be equal to a twin by chance, at most, for it to count.
	maxChance = 0.01
)

// content is what the features of a row say: the sum of the digests of its values. Equal rows have equal contents; that any two others of a
// million rows have is less than one chance in 10 million.
type content uint64

// duplicates vetoes a part that holds applications of an earlier one. An application is a content, however often it comes: a row of defaults
// that comes 500 times is one. With few coarse features equal rows are different applicants, so a twin, a content on both sides, counts only where
// it tells applicants apart and chance does not explain it. It tells them apart where one of its values is held by at most one content in a hundred,
// and the others, were they independent, by at most one in a hundred as well: an amount alone, or a category in columns of 0 and 1, does not. How
// many contents would be equal to it by chance is told by its near misses, the contents that differ from it in one column j only:
//
//	E = max over j of m(j) f(j) / (1 - f(j))
//
// where m(j) is how many of them there are and f(j) the share of the other contents that hold its value of column j; were the values of j drawn
// anew, f(j) of those that agree in all else would be twins. A twin with E of 1/100 or more does not count, so of the contents at most about 1 % are twins that
// count by chance. The lower end of the 95 % interval of the share of those that count must be beyond 1 %.
func duplicates(ctx context.Context, spec pipeline.Spec, of [parts]part) ([]Veto, error) {
	g, err := group(ctx, spec, of)
	if err != nil || len(g.twins) == 0 {
		return nil, err
	}
	counted, err := g.telling(ctx)
	if err != nil {
		return nil, err
	}
	var vetoes []Veto
	for i := 1; i < parts; i++ {
		again, rows := 0, 0
		for k, t := range g.twins {
			if counted[k] && t.rows[i] > 0 && t.part < i {
				again++
				rows += t.rows[i]
			}
		}
		if again == 0 {
			continue
		}
		if lower, _ := statistics.Wilson(again, g.held[i]); lower > maxDuplicates {
			vetoes = append(vetoes, Veto{
				Rule: Duplicates, Effect: float64(again) / float64(g.held[i]), Bound: maxDuplicates, Count: rows,
				Message: fmt.Sprintf("%d of %d different applications of the %s part, %d rows, are in an earlier part as well, equal in all %d features, and coarse values do not explain it: "+
					"%.1f %% are accepted; keep one row of each, or split by who applied", again, g.held[i], of[i].name, rows, len(spec.Columns), 100*maxDuplicates),
			})
		}
	}
	return vetoes, nil
}

func contentOf(columns []*dataset.Column, row int) content {
	var sum content
	for j, column := range columns {
		sum += valueOf(column, j, row)
	}
	return sum
}

// valueOf is what column j adds to the content of a row. Missing values are equal.
func valueOf(column *dataset.Column, j, row int) content {
	if column == nil || column.Missing(row) {
		return content(mix(uint64(j)))
	}
	return content(mix(digest(column, row) + mix(uint64(j))))
}

// digest is a value in 64 bits: FNV-1a of a text (https://www.rfc-editor.org/rfc/rfc9923), the bits of a number.
func digest(c *dataset.Column, row int) uint64 {
	if c.Kind != dataset.Text {
		return math.Float64bits(c.Floats[row] + 0) // -0 + 0 is 0
	}
	hash := uint64(0xcbf29ce484222325)
	for i := range len(c.Texts[row]) {
		hash = (hash ^ uint64(c.Texts[row][i])) * 0x100000001b3
	}
	return hash
}
