package simulate_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/simulate"
)

// Figures of the documents were measured on the rows that the population had before its applicants were persons. But for applicant_id they are the
// same: the digest is of the file that Flat gave of these values in November 2026, before that column.
func TestLoansAreThoseOfBefore(t *testing.T) {
	t.Parallel()
	flat := simulate.Flat(config, time.Time{})
	require.Equal(t, 17, slices.IndexFunc(flat.Columns, func(c dataset.Column) bool { return c.Name == simulate.Applicant }))
	flat.Columns = slices.Delete(flat.Columns, 17, 18)
	of := sha256.New()
	require.NoError(t, dataset.WriteCSV(of, flat))
	require.Equal(t, "e539e7bca7fe05110dff5de285a8e34e3eddf97d6a759ec31e7f02f13f897019", hex.EncodeToString(of.Sum(nil)))
}
