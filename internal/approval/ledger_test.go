package approval

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// keyNamed is the key of a person of the tests.
func keyNamed(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func adds(by, name string) Statement {
	return Statement{Kind: Add, By: by, At: signedAt, Operator: name, PublicKey: KeyText(keyNamed(name).Public().(ed25519.PublicKey))}
}

func revokes(by, name string) Statement {
	return Statement{Kind: Revoke, By: by, At: signedAt, Operator: name, Reason: "left the bank"}
}

// book is a ledger that is written as a registry does.
type book struct {
	t       require.TestingT
	entries []Entry
	at      time.Time
}

func newBook(t require.TestingT) *book { return &book{t: t, at: signedAt.Add(time.Minute)} }

// try records what key's owner signs, a second after the one before.
func (b *book) try(s Statement, key, run string) error {
	signed, err := Sign(s, keyNamed(key))
	require.NoError(b.t, err)
	return b.record(signed, run)
}

func (b *book) record(signed Signed, run string) error {
	ledger, err := Read(b.entries)
	require.NoError(b.t, err)
	b.at = b.at.Add(time.Second)
	entry, known, err := ledger.Next(signed, run, b.at)
	if err == nil && !known {
		b.entries = append(b.entries, entry)
	}
	return err
}

func (b *book) must(s Statement, key, run string) *book {
	require.NoError(b.t, b.try(s, key, run))
	return b
}

func (b *book) ledger() Ledger {
	l, err := Read(b.entries)
	require.NoError(b.t, err)
	return l
}

// staffed has the operators ada, grace and mary; mary is revoked.
func staffed(t require.TestingT) *book {
	return newBook(t).must(adds("ada", "ada"), "ada", "").must(adds("ada", "grace"), "ada", "").must(adds("grace", "mary"), "grace", "").must(revokes("ada", "mary"), "ada", "")
}

func TestWhatTheLedgerAdmits(t *testing.T) {
	late := approves("ada")
	late.At = signedAt.Add(-2 * time.Hour)
	early := approves("ada")
	early.At = signedAt.Add(time.Hour)
	twin := adds("ada", "twin")
	twin.PublicKey = adds("ada", "grace").PublicKey
	crooked := adds("ada", "crooked")
	crooked.PublicKey = "no key"
	slash := adds("ada", "alan")
	slash.Operator = "../alan"
	again := revokes("ada", "mary")
	again.Reason = "and again"
	for name, test := range map[string]struct {
		of       Statement
		key, run string
		want     string // empty: it is admitted
	}{
		"an approval":                  {approves("ada"), "ada", "run-2", ""},
		"of somebody unknown":          {approves("alan"), "alan", "run-2", `no operator is called "alan"`},
		"of somebody revoked":          {approves("mary"), "mary", "run-2", `operator "mary" was revoked at 2026-11-28T23:06:16Z by ada: left the bank`},
		"by another key":               {approves("ada"), "grace", "run-2", `the signature is not operator "ada"'s`},
		"by another key, then revoked": {approves("mary"), "grace", "run-2", `the signature is not operator "mary"'s`},
		"for another run":              {approves("ada"), "ada", "run-3", "the signature is for another run: run-2, this is run-3"},
		"expired":                      {late, "ada", "run-2", "the signature has expired: it was made at 2026-11-28T21:05:12Z and is good for 1h0m0s"},
		"of the future":                {early, "ada", "run-2", "is yet to come"},
		"a start":                      {starts("ada", "ef"), "ada", "run-1", ""},
		"a start of no run":            {starts("ada", "ef"), "ada", "", "needs the run's ID"},
		"another operator":             {adds("grace", "alan"), "grace", "", ""},
		"added by nobody":              {adds("alan", "alan"), "alan", "", `no operator is called "alan"`},
		"added by somebody revoked":    {adds("mary", "alan"), "mary", "", "was revoked"},
		"a name that was used":         {adds("ada", "mary"), "ada", "", `an operator called "mary"`},
		"a key that is used":           {twin, "ada", "", `the key is that of operator "grace"`},
		"a key that is none":           {crooked, "ada", "", "not base64 of 32 bytes"},
		"a name that is none":          {slash, "ada", "", "cannot be an operator's name"},
		"a revocation":                 {revokes("ada", "grace"), "ada", "", ""},
		"one's own":                    {revokes("ada", "ada"), "ada", "", ""},
		"of nobody":                    {revokes("ada", "alan"), "ada", "", `no operator is called "alan"`},
		"once more":                    {again, "ada", "", `operator "mary" was revoked already`},
		"by somebody revoked":          {revokes("mary", "ada"), "mary", "", "was revoked at"},
	} {
		t.Run(name, func(t *testing.T) {
			b := staffed(t)
			before := len(b.entries)
			err := b.try(test.of, test.key, test.run)
			if test.want == "" {
				require.NoError(t, err)
				require.Len(t, b.entries, before+1)
				return
			}
			require.ErrorContains(t, err, test.want)
			require.Contains(t, []fault.Code{fault.Refused, fault.Invalid}, fault.CodeOf(err))
			require.Len(t, b.entries, before)
		})
	}
}

// The first operator signs for themselves; from then on an operator signs.
func TestTheFirstOperator(t *testing.T) {
	require.ErrorContains(t, newBook(t).try(adds("ada", "grace"), "ada", ""), "the first signs for themselves")
	require.ErrorContains(t, newBook(t).try(adds("ada", "ada"), "grace", ""), "the signature is not")
	require.ErrorContains(t, newBook(t).try(approves("ada"), "ada", "run-2"), "no operator is called")
	b := newBook(t).must(adds("ada", "ada"), "ada", "")
	require.ErrorContains(t, b.try(adds("grace", "grace"), "grace", ""), `no operator is called "grace"`, "the second does not")
	require.ErrorContains(t, b.try(revokes("ada", "ada"), "ada", ""), "the last operator")
	b.must(adds("ada", "grace"), "ada", "").must(revokes("ada", "ada"), "ada", "")
	require.ErrorContains(t, b.try(revokes("grace", "grace"), "grace", ""), "the last operator")
	b.must(adds("grace", "mary"), "grace", "")
	operators := b.ledger().Operators()
	require.Equal(t, []string{"ada", "grace", "mary"}, []string{operators[0].Name, operators[1].Name, operators[2].Name})
	require.Equal(t, "grace", operators[2].AddedBy)
	require.Equal(t, "left the bank", operators[0].Revoked.Reason)
	require.True(t, strings.HasPrefix(operators[0].Fingerprint(), "SHA256:"))
}

// What was signed while somebody was an operator stays good when they are revoked; a signature that claims to be from before is not taken after.
func TestWhatWasSignedBeforeARevocationStaysGood(t *testing.T) {
	b := staffed(t).must(approves("grace"), "grace", "run-2").must(revokes("ada", "grace"), "ada", "")
	approvals := b.ledger().Approvals("loans", 2)
	require.Len(t, approvals, 1)
	require.Equal(t, "grace", approvals[0].By)
	again := approves("grace")
	again.RunID = "run-3"
	require.ErrorContains(t, b.try(again, "grace", "run-3"), "was revoked")
	require.Empty(t, b.ledger().Approvals("loans", 3))
	require.Empty(t, b.ledger().Approvals("cards", 0))
	require.Len(t, b.ledger().Approvals("loans", 0), 1)
}

func TestNobodyApprovesOneRunTwice(t *testing.T) {
	b := staffed(t)
	once, err := Sign(approves("grace"), keyNamed("grace"))
	require.NoError(t, err)
	require.NoError(t, b.record(once, "run-2"))
	n := len(b.entries)
	b.at = b.at.Add(24 * time.Hour)
	require.NoError(t, b.record(once, "run-2"), "an activity that is tried again, however late")
	require.Len(t, b.entries, n)
	b.at = signedAt.Add(time.Minute)
	other := approves("grace")
	other.Policy = "ef"
	require.ErrorContains(t, b.try(other, "grace", "run-2"), "grace has approved this run already")
	b.must(approves("ada"), "ada", "run-2")
}

// Whose approval was recorded, and whose answer was lost, signs once more: the entry that is there counts, with what was signed first.
func TestAnApprovalIsSignedOnceMore(t *testing.T) {
	b := staffed(t).must(approves("grace"), "grace", "run-2")
	recorded := b.entries[len(b.entries)-1]
	more := approves("grace")
	more.At, more.Reason = signedAt.Add(time.Minute), "as I said"
	signed, err := Sign(more, keyNamed("grace"))
	require.NoError(t, err)
	entry, known, err := b.ledger().Next(signed, "run-2", b.at)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, recorded, entry)

	forged, err := Sign(more, keyNamed("ada"))
	require.NoError(t, err)
	_, _, err = b.ledger().Next(forged, "run-2", b.at)
	require.ErrorContains(t, err, `the signature is not operator "grace"'s`)
	_, _, err = b.ledger().Next(signed, "run-2", b.at.Add(2*time.Hour))
	require.ErrorContains(t, err, "has expired")
	_, _, err = b.ledger().Next(signed, "run-3", b.at)
	require.ErrorContains(t, err, "for another run")
	signed.Reason = "a\nb"
	_, _, err = b.ledger().Next(signed, "run-2", b.at)
	require.ErrorContains(t, err, "not one line")
	b.must(revokes("ada", "grace"), "ada", "")
	require.ErrorContains(t, b.try(more, "grace", "run-2"), "was revoked")
}

// Who sees a signature in a history cannot start another run in that person's name.
func TestAStartCountsForOneRun(t *testing.T) {
	b := staffed(t).must(starts("ada", "ef"), "ada", "run-1").must(starts("ada", "ef"), "ada", "run-1")
	require.ErrorContains(t, b.try(starts("ada", "ef"), "ada", "run-2"), "the signature started run run-1 already")
	require.ErrorContains(t, b.try(starts("grace", "ef"), "grace", "run-1"), "run run-1 was started by ada")
	started, found := b.ledger().StartOf("run-1")
	require.True(t, found)
	require.Equal(t, "ada", started.By)
	_, found = b.ledger().StartOf("run-2")
	require.False(t, found)
	_, found = b.ledger().StartOf("")
	require.False(t, found)
}

// Whatever somebody changes in the rows, without the keys, is seen.
func TestTamperingIsSeen(t *testing.T) {
	for name, test := range map[string]struct {
		tamper func([]Entry) []Entry
		want   string
	}{
		"altered reason":      {func(e []Entry) []Entry { e[4].Reason = "nothing"; return e }, "signed record 5 was altered"},
		"altered signature":   {func(e []Entry) []Entry { e[4].Signature = e[3].Signature; return e }, "signed record 5 was altered"},
		"altered time":        {func(e []Entry) []Entry { e[1].RecordedAt = e[0].RecordedAt; return e }, "signed record 2 was altered"},
		"for another run":     {func(e []Entry) []Entry { e[4].CountsFor = "run-9"; return e }, "signed record 5 was altered"},
		"removed":             {func(e []Entry) []Entry { return append(e[:1:1], e[2:]...) }, "signed record 2 is missing"},
		"removed first":       {func(e []Entry) []Entry { return e[1:] }, "signed record 1 is missing"},
		"exchanged":           {func(e []Entry) []Entry { e[1], e[2] = e[2], e[1]; return e }, "signed record 2 is missing"},
		"a revocation undone": {func(e []Entry) []Entry { return rewritten(append(e[:3:3], e[4:]...)) }, ""},
		"rewritten, another's key": {func(e []Entry) []Entry {
			e[1].PublicKey = KeyText(keyNamed("mallory").Public().(ed25519.PublicKey))
			return rewritten(e)
		}, "signed record 2 should not be there: the signature is not"},
		"rewritten, a run of another": {func(e []Entry) []Entry { e[4].CountsFor = "run-9"; return rewritten(e) }, "signed record 5 should not be there"},
		"rewritten, late":             {func(e []Entry) []Entry { e[4].RecordedAt = e[4].RecordedAt.Add(2 * time.Hour); return rewritten(e) }, "has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			b := staffed(t).must(approves("grace"), "grace", "run-2")
			head := b.ledger().Head()
			changed, err := Read(test.tamper(b.entries))
			if test.want == "" { // a removed row can be covered up by who computes all hashes anew: the head tells
				require.NoError(t, err)
				require.NotEqual(t, head, changed.Head())
				return
			}
			require.Equal(t, fault.Internal, fault.CodeOf(err))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// rewritten numbers and chains the rows anew, as somebody with the database and without keys could.
func rewritten(entries []Entry) []Entry {
	before := ""
	for i := range entries {
		entries[i].Seq, entries[i].PrevHash = int64(i+1), before
		entries[i].Hash = hashOf(entries[i])
		before = entries[i].Hash
	}
	return entries
}

// Whatever order people sign in, what was admitted is a ledger that verifies, with at most one approval of each person in each run, and nobody's
// after their revocation.
func TestALedgerThatWasAdmittedVerifies(t *testing.T) {
	people := []string{"ada", "grace", "mary", "alan"}
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(t)
		for range rapid.IntRange(1, 25).Draw(t, "statements") {
			by, whom := rapid.SampledFrom(people).Draw(t, "by"), rapid.SampledFrom(people).Draw(t, "whom")
			run := rapid.SampledFrom([]string{"run-1", "run-2"}).Draw(t, "run")
			approval := approves(by)
			approval.RunID = run
			s := rapid.SampledFrom([]Statement{adds(by, whom), adds(by, whom), revokes(by, whom), approval, starts(by, run)}).Draw(t, "statement")
			counts := run
			if s.Kind == Add || s.Kind == Revoke {
				counts = ""
			}
			_ = b.try(s, rapid.SampledFrom([]string{by, by, by, whom}).Draw(t, "key"), counts)
		}
		revoked, approved := map[string]bool{}, map[[2]string]bool{}
		for _, e := range b.ledger().Entries() {
			require.False(t, revoked[e.By], "signed by somebody who was revoked")
			require.NoError(t, e.by(keyNamed(e.By).Public().(ed25519.PublicKey)))
			switch e.Kind {
			case Revoke:
				revoked[e.Operator] = true
			case Approve:
				part := [2]string{e.CountsFor, e.By}
				require.False(t, approved[part])
				approved[part] = true
			case Add, Start:
			}
		}
	})
}
