package alert

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func whole() Alert {
	return Alert{Pipeline: "loans", Subject: Delivery, State: Aborted, Since: noon, Operation: "run/end"}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	was := func(state State, at time.Time) []Alert { return []Alert{{State: state, Since: at}} }
	for _, test := range []struct {
		name  string
		state State
		told  []Alert
		want  bool
	}{
		{"well, as it was", OK, nil, false},
		{"the first trouble", Aborted, nil, true},
		{"the same again", Aborted, was(Aborted, noon.Add(-time.Hour)), false},
		{"another trouble", Failed, was(Aborted, noon.Add(-time.Hour)), true},
		{"well again", OK, was(Aborted, noon.Add(-time.Hour)), true},
		{"well, as it is since", OK, was(OK, noon.Add(-time.Hour)), false},
		{"found at the same moment", OK, was(Aborted, noon), true},
		{"found before the newest was", OK, was(Aborted, noon.Add(time.Second)), false},
	} {
		require.Equal(t, test.want, Alert{State: test.state, Since: noon}.Changes(test.told), test.name)
	}
}

// A state may be about one of several things, and each is told once.
func TestTheSameStateAboutAnotherThingChanges(t *testing.T) {
	t.Parallel()
	about := func(things ...string) Alert { return Alert{State: RolledBack, Since: noon, About: things} }
	for _, test := range []struct {
		name   string
		now    Alert
		newest Alert
		want   bool
	}{
		{"another", about("version 1"), about("version 2"), true},
		{"the same", about("version 2"), about("version 2"), false},
		{"one more", about("a", "b"), about("b"), true},
		{"one less", about("b"), about("a", "b"), false},
		{"nothing in particular", about(), about("b"), false},
		{"something in particular, at last", about("b"), about(), true},
		{"all is well with another", Alert{State: OK, Since: noon, About: []string{"a"}}, Alert{State: OK, Since: noon, About: []string{"b"}}, false},
		{"another, and late", about("version 1"), Alert{State: RolledBack, Since: noon.Add(time.Second), About: []string{"version 2"}}, false},
	} {
		require.Equal(t, test.want, test.now.Changes([]Alert{test.newest}), test.name)
	}
}

// What a monitor finds comes and goes near a limit: as long as its state lasts people are told of each once. Other subjects are about one step at a time.
func TestWhatComesAndGoesIsToldOnce(t *testing.T) {
	t.Parallel()
	for subject, want := range map[Subject]int{Monitor: 2, Rollback: 10} {
		var told []Alert
		for day := range 10 {
			a := Alert{Subject: subject, State: "found", Since: noon.Add(time.Duration(day) * time.Hour), About: []string{[]string{"age", "income"}[day%2]}}
			if a.Changes(told) {
				told = append([]Alert{a}, told...)
			}
		}
		require.Len(t, told, want, subject)
	}
}

// A receiver knows an event by its ID: it is the same for the same operation, and for no other.
func TestTheIDIsThatOfTheOperation(t *testing.T) {
	t.Parallel()
	first, err := New(whole())
	require.NoError(t, err)
	later := whole()
	later.Since, later.Reasons, later.State = noon.Add(time.Hour), []string{"why"}, Failed
	again, err := New(later)
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	require.Len(t, first.ID, 16)
	seen := map[string]bool{first.ID: true}
	for _, change := range []func(*Alert){
		func(a *Alert) { a.Pipeline = "cards" }, func(a *Alert) { a.Subject = Approval }, func(a *Alert) { a.Operation = "other/end" },
	} {
		other := whole()
		change(&other)
		made, err := New(other)
		require.NoError(t, err)
		require.False(t, seen[made.ID])
		seen[made.ID] = true
	}
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Alert){
		"pipeline": func(a *Alert) { a.Pipeline = "" }, "subject": func(a *Alert) { a.Subject = "weather" }, "state": func(a *Alert) { a.State = "" },
		"operation": func(a *Alert) { a.Operation = "" }, "since": func(a *Alert) { a.Since = time.Time{} },
	} {
		a := whole()
		change(&a)
		_, err := New(a)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
	}
}

func TestReasonsAreShort(t *testing.T) {
	t.Parallel()
	a := whole()
	a.Reasons = []string{strings.Repeat("ä", 400)}
	for range 30 {
		a.Reasons = append(a.Reasons, "more")
	}
	made, err := New(a)
	require.NoError(t, err)
	require.Len(t, made.Reasons, 11)
	require.Equal(t, strings.Repeat("ä", 250)+"…", made.Reasons[0])
	require.True(t, utf8.ValidString(made.Reasons[0]))
	require.Equal(t, "and 21 more", made.Reasons[10])
	made, err = New(whole())
	require.NoError(t, err)
	require.Equal(t, []string{}, made.Reasons)
	require.Equal(t, []string{}, made.About)
}
