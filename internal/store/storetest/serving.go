package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// OpenRecords opens a further handle on the same serving records.
type OpenRecords func(t *testing.T) serving.Records

// Serving runs the part of the contract that serving.Records has alone: what is no database can be held to it as well. fresh makes
// empty records, of models that have so many versions.
func Serving(t *testing.T, fresh func(t *testing.T, versions map[string]int) OpenRecords) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, OpenRecords)
	}{
		{"ServingBeforeTheFirstRecord", servingNothing},
		{"GenerationsFollowWithoutGaps", generations},
		{"GenerationIsComparedAndSet", compareAndSet},
		{"GenerationsUnderConcurrency", concurrentGenerations},
		{"OperationsUnderConcurrency", concurrentOperations},
		{"ServingOperationsAreIdempotent", idempotentOperations},
		{"ServingChainsAreIndependent", independentChains},
		{"ServingRecordsAreComplete", completeRecords},
		{"ServingRecordsKeepAnyWords", anyWords},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t, map[string]int{"loans": 3, "cards": 4})) })
	}
}

func track(version int) serving.Track { return serving.Track{Version: version, Policy: "policy"} }

func by(operation string) serving.Author {
	return serving.Author{Writer: "delivery-loans/run", Actor: "ada", Reason: "because", Operation: operation}
}

// versionsOf registers versions 1 to n of name.
func versionsOf(t *testing.T, r registry.Registry, name string, n int) {
	t.Helper()
	for i := range n {
		register(t, r, name, fmt.Sprintf("digest %d", i+1))
	}
}

func newest(t *testing.T, r serving.Records, name, environment string) serving.Record {
	t.Helper()
	record, err := r.Serving(ctx(t), name, environment)
	require.NoError(t, err)
	return record
}

func take(t *testing.T, r serving.Records, next serving.Record) serving.Record {
	t.Helper()
	taken, err := r.TakeGeneration(ctx(t), next)
	require.NoError(t, err)
	return taken
}

// stage takes the next generation with version as champion; the operation is that of the generation.
func stage(t *testing.T, r serving.Records, name, environment string, version int) serving.Record {
	t.Helper()
	record := newest(t, r, name, environment)
	return take(t, r, record.Stage(track(version)).By(by(fmt.Sprint("operation ", record.Generation+1))))
}

func servingNothing(t *testing.T, open OpenRecords) {
	r := open(t)
	require.Equal(t, serving.Record{Pipeline: "loans", Environment: serving.Staging}, newest(t, r, "loans", serving.Staging))
	history, err := r.ServingHistory(ctx(t), "loans", serving.Staging)
	require.NoError(t, err)
	require.Equal(t, []serving.Record{}, history)
}

// A delivery from the first champion to a rollback: every row comes back as it went in.
func generations(t *testing.T, open OpenRecords) {
	r := open(t)
	var want []serving.Record
	record := newest(t, r, "loans", serving.Production)
	step := func(next serving.Record, err error) {
		t.Helper()
		require.NoError(t, err)
		next = next.By(by(fmt.Sprint(next.Generation)))
		record = take(t, r, next)
		require.Equal(t, next.Seal(record.At), record, "what was asked for, with its time and hash")
		require.Equal(t, record, newest(t, r, "loans", serving.Production))
		want = append(want, record)
	}
	step(record.Prepare(track(1), ""))
	step(record.Promote())
	step(record.Canary(serving.Track{Version: 2, Policy: "another"}, 20, "delay=200ms"))
	step(record.Abort(), nil)
	step(record.Canary(track(2), 5, ""))
	step(record.Promote())
	step(record.RollBack(track(1)))
	history, err := open(t).ServingHistory(ctx(t), "loans", serving.Production)
	require.NoError(t, err)
	require.Equal(t, want, history)
	for i, row := range history {
		require.Equal(t, int64(i+1), row.Generation)
	}
}

// Whoever read an older record, or another one, is told who was faster, and nothing is written.
func compareAndSet(t *testing.T, open OpenRecords) {
	r := open(t)
	before := newest(t, r, "loans", serving.Production)
	first := stage(t, r, "loans", serving.Production, 1)
	second := stage(t, r, "loans", serving.Production, 2)
	ahead := second.Stage(track(3))
	ahead.Generation++
	forged := second.Stage(track(3))
	forged.PrevHash = first.Hash
	for name, next := range map[string]serving.Record{
		"before the first": before.Stage(track(3)), "after the first": first.Stage(track(3)), "with a gap": ahead, "after another past": forged,
	} {
		t.Run(name, func(t *testing.T) {
			taken, err := r.TakeGeneration(ctx(t), next.By(by("late "+name)))
			require.Equal(t, fault.Conflict, fault.CodeOf(err))
			require.ErrorContains(t, err, second.String())
			require.Zero(t, taken)
			require.Equal(t, second, newest(t, r, "loans", serving.Production))
		})
	}
	require.Equal(t, int64(3), stage(t, r, "loans", serving.Production, 3).Generation)

	_, err := r.TakeGeneration(ctx(t), second.Stage(track(1)).By(by("of nothing")))
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	never := serving.Record{Pipeline: "loans", Environment: serving.Staging, Generation: 4}
	_, err = r.TakeGeneration(ctx(t), never.Stage(track(1)).By(by("too new")))
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.ErrorContains(t, err, "generation 0", "there may be no newest record that could be named")
}

// Of the writers that read the same record, on handles of two processes, exactly one takes the next generation; the others are told
// that it was this one.
func concurrentGenerations(t *testing.T, open OpenRecords) {
	handles := []serving.Records{open(t), open(t)}
	const rounds, writers = 5, 12
	for round := range rounds {
		before := newest(t, handles[round%2], "loans", serving.Production)
		var wait sync.WaitGroup
		taken, lost := make([]serving.Record, writers), make([]error, writers)
		for i := range writers {
			wait.Go(func() {
				author := by(fmt.Sprintf("operation %d of round %d", i, round))
				author.Writer = fmt.Sprintf("writer %d of round %d", i, round)
				taken[i], lost[i] = handles[i%2].TakeGeneration(ctx(t), before.Stage(track(1)).By(author))
			})
		}
		wait.Wait()
		after := newest(t, handles[round%2], "loans", serving.Production)
		require.Equal(t, before.Generation+1, after.Generation)
		won := 0
		for i, err := range lost {
			if err == nil {
				won++
				require.Equal(t, after, taken[i])
				continue
			}
			require.Equal(t, fault.Conflict, fault.CodeOf(err))
			require.ErrorContains(t, err, after.String())
		}
		require.Equal(t, 1, won, "exactly one wins generation %d", after.Generation)
	}
	history, err := handles[0].ServingHistory(ctx(t), "loans", serving.Production)
	require.NoError(t, err)
	require.Len(t, history, rounds)
}

// Two tries of one operation at once, as when the first one's answer is late, are one row for both.
func concurrentOperations(t *testing.T, open OpenRecords) {
	handles := []serving.Records{open(t), open(t)}
	next := newest(t, handles[0], "loans", serving.Production).Stage(track(1)).By(by("one"))
	var wait sync.WaitGroup
	taken := make([]serving.Record, 8)
	for i := range taken {
		wait.Go(func() {
			var err error
			if taken[i], err = handles[i%2].TakeGeneration(ctx(t), next); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, record := range taken {
		require.Equal(t, newest(t, handles[0], "loans", serving.Production), record)
	}
	require.Equal(t, int64(1), taken[0].Generation)
}

func idempotentOperations(t *testing.T, open OpenRecords) {
	r := open(t)
	next := newest(t, r, "loans", serving.Production).Stage(track(1)).By(by("one"))
	first := take(t, r, next)
	require.Equal(t, first, take(t, r, next), "at once")
	second := take(t, r, first.Stage(track(2)).By(by("two")))
	require.Equal(t, first, take(t, r, next), "after later rows")
	require.Equal(t, first, take(t, r, second.Stage(track(1)).By(by("one"))), "even where it would follow")
	require.Equal(t, second, newest(t, r, "loans", serving.Production), "a late repeat changes nothing")
	history, err := r.ServingHistory(ctx(t), "loans", serving.Production)
	require.NoError(t, err)
	require.Equal(t, []serving.Record{first, second}, history)
}

// Generations, hashes and operations are those of one pipeline in one environment.
func independentChains(t *testing.T, open OpenRecords) {
	r := open(t)
	chains := [][2]string{{"loans", serving.Staging}, {"loans", serving.Production}, {"cards", serving.Staging}}
	for generation := range int64(3) {
		for _, chain := range chains {
			record := stage(t, r, chain[0], chain[1], 1)
			require.Equal(t, generation+1, record.Generation)
			require.Equal(t, chain, [2]string{record.Pipeline, record.Environment})
		}
	}
	for _, chain := range chains {
		history, err := r.ServingHistory(ctx(t), chain[0], chain[1])
		require.NoError(t, err)
		require.Len(t, history, 3)
	}
	require.Zero(t, newest(t, r, "cards", serving.Production).Generation)
}

func completeRecords(t *testing.T, open OpenRecords) {
	r := open(t)
	good := newest(t, r, "loans", serving.Production).Stage(track(1)).By(by("one"))
	none := track(4) // of cards
	for name, test := range map[string]struct {
		spoil func(*serving.Record)
		want  fault.Code
	}{
		"pipeline":    {func(r *serving.Record) { r.Pipeline = "" }, fault.Invalid},
		"environment": {func(r *serving.Record) { r.Environment = "" }, fault.Invalid},
		"change":      {func(r *serving.Record) { r.Change = "" }, fault.Invalid},
		"writer":      {func(r *serving.Record) { r.Writer = "" }, fault.Invalid},
		"actor":       {func(r *serving.Record) { r.Actor = "" }, fault.Invalid},
		"reason":      {func(r *serving.Record) { r.Reason = "" }, fault.Invalid},
		"operation":   {func(r *serving.Record) { r.Operation = "" }, fault.Invalid},
		"champion":    {func(r *serving.Record) { r.Champion = &none }, fault.NotFound},
		"challenger":  {func(r *serving.Record) { r.Challenger = &none }, fault.NotFound},
		"previous":    {func(r *serving.Record) { r.Previous = &none }, fault.NotFound},
		"version 0":   {func(r *serving.Record) { r.Champion = &serving.Track{Policy: "policy"} }, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			next := good
			test.spoil(&next)
			_, err := r.TakeGeneration(ctx(t), next)
			require.Equal(t, test.want, fault.CodeOf(err))
			if test.want == fault.Invalid {
				require.ErrorContains(t, err, "the "+name+" is missing")
			} else {
				require.ErrorContains(t, err, `of model "loans"`)
			}
			require.Zero(t, newest(t, r, "loans", serving.Production).Generation)
		})
	}
	take(t, r, good)
}

func servingTime(t *testing.T, db Database) {
	r := db.Open(t)
	versionsOf(t, r, "loans", 1)
	require.WithinDuration(t, time.Now(), stage(t, r, "loans", serving.Production, 1).At, time.Minute)
}

// A record that somebody altered or removed is found and named by whoever reads the history or writes. Who only asks what serves is told
// of the newest record and the one before it.
func tampering(t *testing.T, db Database) {
	for name, test := range map[string]struct {
		statement, want string
		onlyInHistory   bool
	}{
		"altered champion": {"UPDATE serving_records SET champion_version = 1 WHERE generation = 2", "generation 2 was altered", false},
		"altered policy":   {"UPDATE serving_records SET champion_policy = 'lenient' WHERE generation = 3", "generation 3 was altered", false},
		"altered weight":   {"UPDATE serving_records SET weight = 100 WHERE generation = 1", "generation 1 was altered", true},
		"altered actor":    {"UPDATE serving_records SET actor = 'mallory' WHERE generation = 1", "generation 1 was altered", true},
		"altered time":     {"UPDATE serving_records SET at = at + 1 WHERE generation = 3", "generation 3 was altered", false},
		"altered link":     {"UPDATE serving_records SET prev_hash = 'x' WHERE generation = 3", "generation 3 does not follow generation 2", false},
		"altered hash":     {"UPDATE serving_records SET hash = 'x' WHERE generation = 2", "generation 2 was altered", false},
		"removed":          {"DELETE FROM serving_records WHERE generation = 2", "generation 2 is missing", false},
		"removed first":    {"DELETE FROM serving_records WHERE generation = 1", "generation 1 is missing", true},
		"renumbered":       {"UPDATE serving_records SET generation = 9 WHERE generation = 3", "generation 3 is missing", false},
		"forgotten champion": {"UPDATE serving_records SET champion_version = NULL, champion_policy = NULL WHERE generation = 2",
			"generation 2 was altered", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := db.Open(t)
			model := "tampered " + name
			versionsOf(t, r, model, 3)
			for version := range 3 {
				stage(t, r, model, serving.Production, version+1)
			}
			last := newest(t, r, model, serving.Production)
			db.Tamper(t, test.statement+fmt.Sprintf(" AND pipeline = '%s'", model))
			noticed := func(err error) {
				t.Helper()
				require.Equal(t, fault.Internal, fault.CodeOf(err))
				require.ErrorContains(t, err, test.want)
			}
			_, err := r.ServingHistory(ctx(t), model, serving.Production)
			noticed(err)
			_, err = r.TakeGeneration(ctx(t), last.Restore().By(by("after the deed")))
			noticed(err)
			if test.onlyInHistory {
				require.Equal(t, last, newest(t, r, model, serving.Production))
				return
			}
			_, err = r.Serving(ctx(t), model, serving.Production)
			noticed(err)
			_, err = r.Aliases(ctx(t), model)
			noticed(err)
		})
	}
}

func aliases(t *testing.T, db Database) {
	r := db.Open(t)
	got, err := r.Aliases(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, map[string]int{}, got)
	versionsOf(t, r, "loans", 3)
	record := stage(t, r, "loans", serving.Production, 1)
	canary := func(version int) {
		next, err := record.Canary(track(version), 5, "")
		require.NoError(t, err)
		record = take(t, r, next.By(by(fmt.Sprint("canary of ", version))))
	}
	canary(2)
	next, err := record.Promote()
	require.NoError(t, err)
	record = take(t, r, next.By(by("promotion")))
	canary(3)
	stage(t, r, "loans", serving.Staging, 1)
	got, err = r.Aliases(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, map[string]int{serving.ChampionAlias: 2, serving.ChallengerAlias: 3, serving.PreviousAlias: 1}, got)
	take(t, r, record.Abort().By(by("abort")))
	got, err = r.Aliases(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, map[string]int{serving.ChampionAlias: 2, serving.PreviousAlias: 1}, got, "an alias that names nothing is absent")
}

// Whatever a person's terminal or a program put into a reason, it is recorded, and the hash is that of what is read.
func anyWords(t *testing.T, open OpenRecords) {
	r := open(t)
	for i, words := range []string{"K\xf6ln", "stop\x00", "日本", "'; DROP TABLE serving_records; --", "\u2028\\u0000"} {
		author := serving.Author{Writer: words, Actor: words, Reason: words, Operation: words}
		taken := take(t, r, newest(t, r, "loans", serving.Staging).Stage(track(1)).By(author))
		require.EqualValues(t, i+1, taken.Generation)
		require.Equal(t, taken, newest(t, r, "loans", serving.Staging))
		require.Equal(t, taken, take(t, r, newest(t, r, "loans", serving.Staging).Stage(track(1)).By(author)), "the same operation")
	}
	history, err := r.ServingHistory(ctx(t), "loans", serving.Staging)
	require.NoError(t, err)
	require.NoError(t, serving.Verify(history))
}
