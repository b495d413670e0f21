package approval

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every record reads and verifies all that were signed.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{100, 1000} {
		ledger := newBook(b).must(adds("ada", "ada"), "ada", "")
		for i := range n {
			s := approves("ada")
			s.RunID = fmt.Sprint("run-", i)
			signed, err := Sign(s, keyNamed("ada"))
			require.NoError(b, err)
			l, err := Read(ledger.entries[:1])
			require.NoError(b, err)
			entry, _, err := l.Next(signed, s.RunID, ledger.at)
			require.NoError(b, err)
			entry.Seq, entry.PrevHash = int64(i+2), ledger.entries[i].Hash
			entry.Hash = hashOf(entry)
			ledger.entries = append(ledger.entries, entry)
		}
		b.Run(fmt.Sprint(n, " records"), func(b *testing.B) {
			for b.Loop() {
				_, err := Read(ledger.entries)
				require.NoError(b, err)
			}
		})
	}
}
