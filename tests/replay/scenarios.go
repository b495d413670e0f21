package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/tests/platformtest"
	"github.com/loanops/loanops/workflows"
)

// The pipelines of the scenarios: one that is delivered, one whose latency test nothing passes, one that two people stand behind, one whose gates let anything pass, one that
// looks features up.
const quick, tight, paired, bad, looking = "quick", "tight", "paired", "bad", "looking"

var training, delivery, rollback, watch = workflows.TrainingID(quick), workflows.DeliveryID(quick), workflows.RollbackID(quick), workflows.MonitorID(quick)

// scenario is what somebody does, and the histories that are kept of it.
type scenario struct {
	play  func(ctx context.Context, s *stage) error
	keeps []kept
}

// kept is one history: its file begins with the workflow's name and the verdict.
type kept struct{ workflowID, file, why string }

// scenarios are played one after the other; each begins with what those before it left.
var scenarios = []scenario{
	{run(0, "ct", "start", "--pipeline", "quick.yaml", "--as-of", "2026-03-31", "--wait"), []kept{
		{training, "ContinuousTraining-bootstrapped.json", "the first training, from no champion to one"},
		{delivery, "ContinuousDelivery-bootstrapped.json", "a first version: brought up, asked golden requests, then routed"},
	}},
	{run(0, "ct", "start", quick, "--register-only", "--wait"), []kept{
		{training, "ContinuousTraining-registered.json", "ends after the registry"},
	}},
	{run(0, "ct", "start", quick, "--wait"), []kept{
		{training, "ContinuousTraining-promoted.json", "steps from the cache, a delivery as a child that is promoted"},
		{delivery, "ContinuousDelivery-promoted.json", "every step of a canary, promoted by Terraform"},
	}},
	{run(0, "ct", "start", quick, "--wait"), []kept{
		{training, "ContinuousTraining-nothing.json", "trains the champion again: the child finds it serving as recorded"},
	}},
	{run(0, "cd", "start", quick, "--wait"), []kept{
		{delivery, "ContinuousDelivery-nothing.json", "the champion, which serves as recorded"},
	}},
	{run(4, "cd", "start", quick, "--version", "1", "--drill", "crash_after=20", "--wait"), []kept{
		{delivery, "ContinuousDelivery-aborted.json", "a canary whose analysis fails: the agent is told, Terraform follows"},
	}},
	{toldOf, []kept{
		{newestAlert, "Alert-told.json", "the canary that was aborted is told to an endpoint, by a workflow that outlives the delivery"},
	}},
	{run(4, "cd", "start", quick, "--version", "1", "--drill", "delay=1ms", "--wait"), []kept{
		{delivery, "ContinuousDelivery-aborted-drill.json", "every step of the canary passes under a drill: never promoted"},
	}},
	{abortInBake, []kept{
		{delivery, "ContinuousDelivery-aborted-bake.json", "the abort update while the new champion bakes: traffic goes back as by a rollback"},
	}},
	{abortMidCanary, []kept{
		{delivery, "ContinuousDelivery-aborted-person.json", "the abort update during an analysis: cancelled steps are not waited for"},
	}},
	{run(3, "cd", "start", quick, "--version", "1", "--require-approval", "--approval-expires", "1s", "--wait"), []kept{
		{delivery, "ContinuousDelivery-rejected.json", "nobody approved in time"},
	}},
	{run(3, "ct", "start", quick, "--as-of", "2026-04-30", "--require-approval", "--approval-expires", "1s", "--wait"), []kept{
		{training, "ContinuousTraining-rejected.json", "the child's verdict is the training's"},
	}},
	{abortTraining, []kept{
		{training, "ContinuousTraining-aborted.json", "the abort update while the child waits: it is cancelled with its parent"},
	}},
	{run(3, "ct", "start", "--pipeline", "tight.yaml", "--wait"), []kept{
		{workflows.TrainingID(tight), "ContinuousTraining-refused-delivery.json", "refused by a test in staging, by the child"},
		{workflows.DeliveryID(tight), "ContinuousDelivery-refused.json", "refused by the latency test"},
	}},
	{shuffled, []kept{
		{training, "ContinuousTraining-refused.json", "refused by a gate before the registry"},
	}},
	{run(0, "ci", "start", "--repo", team, "--ref", "main", "--wait"), []kept{
		{integration, "ContinuousIntegration-published.json", "a commit that passes every test: packaged, published, registered, trained"},
	}},
	{refusedCommit, []kept{
		{workflows.IntegrationID(team, "better"), "ContinuousIntegration-refused.json", "a commit whose gate the sample's model does not pass"},
	}},
	{mergedCommit, []kept{
		{workflows.IntegrationInput{Repository: team, Ref: "slower", Against: "main"}.ID(), "ContinuousIntegration-nothing.json", "tested as merged into its target, and not published"},
	}},
	{pushed, []kept{
		{push, "Push-started.json", "starts the integration of a push"},
	}},
	{pushedTwice, []kept{
		{joined, "Push-joined.json", "tells the run of the branch that goes on"},
	}},
	{onNewData, []kept{
		{workflows.EvaluationID(quick), "Evaluation-evaluated.json", "a version measured on new data"},
	}},
	{tooYoung, []kept{
		{workflows.EvaluationID(quick), "Evaluation-refused.json", "data of which no label is mature"},
	}},
	{run(0, "monitor", "cadence", quick), []kept{
		{workflows.CadenceID(quick), "Cadence-evaluated.json", "how often to train: versions and models of the past by age"},
	}},
	{tooShort, []kept{
		{workflows.CadenceID(quick), "Cadence-refused.json", "a past too short to tell how often to train"},
	}},
	{run(0, "cd", "start", quick, "--version", "1", "--wait"), []kept{
		{delivery, "ContinuousDelivery-promoted-back.json", "a canary of a version that was champion before"},
	}},
	{overtaken, []kept{
		{delivery, "ContinuousDelivery-aborted-overtaken.json", "a person rolled back while it waited for approval: it writes nothing"},
		{rollback, "Rollback-rolled_back-adopted.json", "started by the command for a record that it had taken"},
	}},
	{run(0, "cd", "start", quick, "--version", "1", "--wait"), []kept{
		{delivery, "ContinuousDelivery-promoted-after-rollback.json", "a canary on what a rollback left"},
	}},
	{rollBack(workflows.RollbackInput{Model: quick, Actor: "operator", Reason: "late", Adopt: 1}), []kept{
		{rollback, "Rollback-aborted.json", "asked to follow a rollback since which a delivery was promoted"},
	}},
	{rollBack(workflows.RollbackInput{Model: quick, Actor: "operator", Reason: "complaints"}), []kept{
		{rollback, "Rollback-rolled_back.json", "from the Web UI: record, agent, Terraform"},
	}},
	{lostAgent, []kept{
		{delivery, "ContinuousDelivery-restored.json", "the agent lost its state: Terraform brings the champion back"},
	}},
	{run(0, "ct", "start", quick, "--wait"), []kept{
		{training, "ContinuousTraining-promoted-after-restore.json", "trains a version that was registered before"},
	}},
	{lostAgentAtTraining, []kept{
		{training, "ContinuousTraining-restored.json", "the champion is trained again and its child brings it back"},
	}},
	{run(3, "ct", "start", "--pipeline", "narrow.yaml", "--wait"), []kept{
		{delivery, "ContinuousDelivery-refused-contract.json", "a request that is good for the champion would be refused"},
	}},
	{run(3, "ct", "start", "--pipeline", "strict.yaml", "--wait"), []kept{
		{delivery, "ContinuousDelivery-refused-prediction.json", "the approval rate would change too much"},
	}},
	{run(4, "ct", "start", "--pipeline", "unasked.yaml", "--wait"), []kept{
		{delivery, "ContinuousDelivery-aborted-unasked.json", "no mirror, no requests: a weighted step waits and is given up"},
	}},
	{triggers, []kept{
		{"trigger-1", "Trigger-joined.json", "a run has just begun: it is one for both"},
		{"trigger-2", "Trigger-kept.json", "a run goes on: the trigger is left to a keeper"},
		{"trigger-3", "Trigger-kept_already.json", "a keeper waits: it is told, by a signal"},
		{workflows.KeeperID(workflows.TrainingRun, tight), "Trigger-started-keeper.json", "waits for the end of the run, and starts one more for both"},
		{"trigger-4", "Trigger-started.json", "starts the run, which outlives it"},
	}},
	{bySecondPerson, []kept{
		{workflows.TrainingID(paired), "ContinuousTraining-bootstrapped-signed.json", "a person's signed start, carried to the child"},
		{workflows.DeliveryID(paired), "ContinuousDelivery-bootstrapped-second-person.json", "a signed start, an approval by another person's key, then one by a second person"},
	}},
	{byTwoPeople, []kept{
		{workflows.DeliveryID(paired), "ContinuousDelivery-promoted-two-people.json", "nobody signed the start: two signatures, one after the other"},
	}},
	{onSame, []kept{
		{watch, "Monitor-nothing.json", "rows like those of before"},
	}},
	{onShock, []kept{
		{watch, "Monitor-alert.json", "drift of which the spec lets people be told"},
	}},
	{onMonths, []kept{
		{watch, "Monitor-review.json", "a number in another unit"},
	}},
	{onDrift, []kept{
		{watch, "Monitor-retrain.json", "drift: a training is started and not waited for"},
	}},
	{onOvertaken, []kept{
		{workflows.MonitorID(bad), "Monitor-alert-overtaken.json", "an older version is better, and another rollback goes on: people are told"},
	}},
	{onTrial, []kept{
		{workflows.TrialID(current), "Trial-passed.json", "every role answers, and the histories are replayed"},
	}},
	{onBadChampion, []kept{
		{workflows.MonitorID(bad), "Monitor-rolled_back.json", "an older version is better: it is back by a rollback"},
	}},
	{run(0, "features", "materialize", "payments"), []kept{
		{workflows.MaterializeID("payments"), "Materialize-published.json", "a view that is written for the first time"},
	}},
	{run(0, "features", "materialize", "payments"), []kept{
		{workflows.MaterializeID("payments"), "Materialize-nothing.json", "nothing is new"},
	}},
	{refusedFeed, []kept{
		{newestCheck, "CheckFeatures-checked.json", "the SQL of a view that is to be registered"},
		{workflows.MaterializeID("ledger"), "Materialize-refused.json", "a feed that breaks its rules"},
	}},
	{run(0, "ct", "start", "--pipeline", "looking.yaml", "--wait"), []kept{
		{workflows.TrainingID(looking), "ContinuousTraining-bootstrapped-features.json", "views are computed side by side before the data are read"},
	}},
	{onSkew, []kept{
		{workflows.MonitorID(looking), "Monitor-alert-features.json", "decisions read nothing of a view: the stores are compared"},
	}},
}

// stage is the platform on which they are played.
type stage struct {
	*platformtest.Platform
	temporal   client.Client
	work, spec string
}

// run is a command with the exit code that it must have. Names of files are those of the stage.
func run(code int, args ...string) func(context.Context, *stage) error {
	return func(_ context.Context, s *stage) error { return s.run(code, args...) }
}

func (s *stage) run(code int, args ...string) error {
	for i, arg := range args {
		if filepath.Ext(arg) == "" {
			continue
		}
		args[i] = filepath.Join(s.work, arg)
		if err := s.write(arg); err != nil {
			return err
		}
	}
	wait, err := s.Command(args...)
	if err != nil {
		return err
	}
	if ended := wait(); ended.Code != code {
		return fmt.Errorf("loanops %s: exit %d, %d is wanted\n%s%s", strings.Join(args, " "), ended.Code, code, ended.Stdout, ended.Stderr)
	}
	return nil
}

// write makes a pipeline's file.
func (s *stage) write(file string) error {
	path := filepath.Join(s.work, file)
	if filepath.Ext(file) != ".yaml" {
		return nil
	}
	name := quick
	switch file {
	case tight + ".yaml":
		name = tight
	case bad + ".yaml":
		name = bad
	case looking + ".yaml":
		name = looking
	case paired + ".yaml", "repriced.yaml":
		name = paired
	}
	if err := platformtest.QuickSpec(s.spec, path, name, 1); err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.NewReplacer(variants[file]...).Replace(string(data))), 0o600)
}

// variants say in what a pipeline's file differs from the quick one: old text, new text.
var variants = map[string][]string{
	"looking.yaml":  {"label:\n", "features: [loan_eligibility]\nlabel:\n"},
	"tight.yaml":    {" p99_millis: 2000", " p99_millis: 0.000001"},
	"narrow.yaml":   {"max: 1000000,", "max: 900000,"},
	"strict.yaml":   {"cutoff: 0.25", "cutoff: 0.05"},
	"paired.yaml":   {"approval: automatic", "approval: second_person"},
	"repriced.yaml": {"approval: automatic", "approval: second_person", "cutoff: 0.25", "cutoff: 0.26"},
	"told.yaml":     {reactions, "on: {schema: alert, data_drift: alert, prediction_drift: alert, performance: alert}"},
	"trained.yaml":  {simulated, "uri: arrived.csv", reactions, "on: {schema: alert, data_drift: retrain, prediction_drift: alert, performance: alert}"},
	"bad.yaml":      {"min: 0.65", "min: 0.1", "brier, max: 0.2", "brier, max: 1", "auc_drop, max: 0.02", "auc_drop, max: 1", "against_champion: not_worse", "against_champion: any", "max_verdict_shift: 0.1", "max_verdict_shift: 1"},
	"unasked.yaml":  {"cutoff: 0.25", "cutoff: 0.26", "mirror: true", "mirror: false", "rate: 200", "rate: 0", "max_wait_hours: 168", "max_wait_hours: 0.0005"},
}

// simulated is the source of the shipped spec.
const simulated = "simulate: {rows: 20000, seed: 20260630, from: 2024-01-01, to: 2026-06-30}"

// reactions are those of the shipped spec.
const reactions = "on: {schema: retrain, data_drift: retrain, prediction_drift: roll_back, performance: roll_back}"

// until asks until ok holds: what is waited for is in other processes.
func until(what string, ok func() bool) error {
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within a minute", what)
		}
	}
	return nil
}

// progress is where a run is.
func (s *stage) progress(ctx context.Context, workflowID string) workflows.Progress {
	var progress workflows.Progress
	if answer, err := s.temporal.QueryWorkflow(ctx, workflowID, "", workflows.ProgressQuery); err == nil {
		_ = answer.Get(&progress) // asked again
	}
	return progress
}

func abortMidCanary(ctx context.Context, s *stage) error {
	if err := s.run(0, "cd", "start", quick, "--version", "1"); err != nil {
		return err
	}
	if err := until("a canary", func() bool { return s.progress(ctx, delivery).CanaryWeight > 0 }); err != nil {
		return err
	}
	return s.run(0, "abort", delivery, "--reason", "not today")
}

func abortInBake(ctx context.Context, s *stage) error {
	if err := s.run(0, "cd", "start", quick, "--version", "1"); err != nil {
		return err
	}
	baking := func() bool { return strings.HasSuffix(s.progress(ctx, delivery).Stage, "bake") }
	if err := until("a bake", baking); err != nil {
		return err
	}
	return s.run(0, "abort", delivery, "--reason", "complaints")
}

func abortTraining(ctx context.Context, s *stage) error {
	if err := s.run(0, "ct", "start", quick, "--as-of", "2026-05-31", "--require-approval"); err != nil {
		return err
	}
	if err := until("waiting for approval", func() bool { return s.progress(ctx, delivery).WaitingForApproval }); err != nil {
		return err
	}
	return s.run(0, "abort", training, "--reason", "not today")
}

func shuffled(_ context.Context, s *stage) error {
	if err := s.run(0, "simulate", "--shuffle-labels", "--out", "shuffled.csv"); err != nil {
		return err
	}
	return s.run(3, "ct", "start", quick, "--data", "shuffled.csv", "--wait")
}

func onNewData(_ context.Context, s *stage) error {
	if err := s.run(0, "simulate", "--rows", "2000", "--seed", "11", "--out", "new.csv"); err != nil {
		return err
	}
	return s.run(0, "models", "evaluate", quick, "--version", "@champion", "--data", "new.csv")
}

func tooYoung(_ context.Context, s *stage) error {
	if err := s.run(0, "simulate", "--rows", "500", "--from", "2026-06-01", "--to", "2026-06-30", "--out", "young.csv"); err != nil {
		return err
	}
	return s.run(3, "models", "evaluate", quick, "--data", "young.csv", "--as-of", "2026-06-30")
}

// tooShort is half a month of applications, on a day on which no outcome of them is final.
func tooShort(_ context.Context, s *stage) error {
	if err := s.run(0, "simulate", "--rows", "500", "--from", "2025-11-01", "--to", "2025-11-15", "--out", "short.csv"); err != nil {
		return err
	}
	return s.run(3, "monitor", "cadence", quick, "--data", "short.csv", "--as-of", "2025-12-31")
}

func overtaken(ctx context.Context, s *stage) error {
	if err := s.run(0, "cd", "start", quick, "--version", "3", "--require-approval"); err != nil {
		return err
	}
	if err := until("waiting for approval", func() bool { return s.progress(ctx, delivery).WaitingForApproval }); err != nil {
		return err
	}
	if err := s.run(0, "rollback", quick, "--reason", "complaints", "--wait"); err != nil {
		return err
	}
	return s.run(0, "approve", delivery, "--reason", "looks good")
}

// rollBack starts the workflow, as the Web UI does.
func rollBack(input workflows.RollbackInput) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		started, err := s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: rollback, TaskQueue: workflows.TaskQueue}, workflows.RollbackName, input)
		if err != nil {
			return err
		}
		return started.Get(ctx, nil)
	}
}

// occupy starts a run of which no worker knows, as a schedule's trigger would.
func (s *stage) occupy(ctx context.Context, id, pipeline string) error {
	about := workflows.About(pipeline, registry.BySchedule)
	_, err := s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "nobody", TypedSearchAttributes: about}, "Nobody")
	return err
}

// triggers come as a run begins, while it goes on, and when none does.
func triggers(ctx context.Context, s *stage) error {
	id := workflows.TrainingID(tight)
	if err := errors.Join(s.occupy(ctx, id, tight), s.trigger(ctx, "trigger-1")); err != nil {
		return err
	}
	time.Sleep(4 * time.Second) // what comes within three seconds is joined
	if err := errors.Join(s.trigger(ctx, "trigger-2"), s.trigger(ctx, "trigger-3"), s.temporal.TerminateWorkflow(ctx, id, "", "the run has ended")); err != nil {
		return err
	}
	if err := s.temporal.GetWorkflow(ctx, workflows.KeeperID(workflows.TrainingRun, tight), "").Get(ctx, nil); err != nil {
		return err
	}
	if err := s.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return err
	}
	return errors.Join(s.trigger(ctx, "trigger-4"), s.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil))
}

// trigger does what a schedule does, and waits until it is done.
func (s *stage) trigger(ctx context.Context, id string) error {
	input := workflows.TriggerInput{Run: workflows.TrainingRun, Pipeline: tight, Trigger: "schedule", Actor: "retrain-" + tight}
	started, err := s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue}, workflows.TriggerName, input)
	if err != nil {
		return err
	}
	return started.Get(ctx, nil)
}

// approve lets paired's delivery go on as an operator, and ends with the code.
func (s *stage) approve(code int, as string, key string) error {
	return s.run(code, "approve", workflows.DeliveryID(paired), "--reason", "reviewed", "--as", as, "--key", key)
}

// awaited waits until paired's delivery waits for people.
func (s *stage) awaited(ctx context.Context) error {
	return until("waiting for approval", func() bool { return s.progress(ctx, workflows.DeliveryID(paired)).WaitingForApproval })
}

// ended waits until paired's training has ended, and with it its delivery.
func (s *stage) ended(ctx context.Context) error {
	return until("the end", func() bool { return s.progress(ctx, workflows.TrainingID(paired)).Verdict != "" })
}

func bySecondPerson(ctx context.Context, s *stage) error {
	for _, args := range [][]string{
		{"operators", "add", "ada", "--key", "ada.key"},
		{"operators", "add", "grace", "--as", "ada", "--key", "ada.key", "--new-key", "grace.key"},
		{"operators", "add", "mary", "--as", "ada", "--key", "ada.key", "--new-key", "mary.key"},
		{"ct", "start", "--pipeline", "paired.yaml", "--as", "ada", "--key", "ada.key"},
	} {
		if err := s.run(0, args...); err != nil {
			return err
		}
	}
	if err := s.awaited(ctx); err != nil {
		return err
	}
	return errors.Join(s.approve(3, "ada", "ada.key"), s.approve(3, "grace", "mary.key"), s.approve(0, "grace", "grace.key"), s.ended(ctx))
}

func byTwoPeople(ctx context.Context, s *stage) error {
	if err := s.run(0, "ct", "start", "--pipeline", "repriced.yaml"); err != nil {
		return err
	}
	if err := s.awaited(ctx); err != nil {
		return err
	}
	return errors.Join(s.approve(0, "grace", "grace.key"), s.approve(0, "mary", "mary.key"), s.ended(ctx))
}

func lostAgent(_ context.Context, s *stage) error {
	if err := s.loseAgent(); err != nil {
		return err
	}
	record, err := s.Serving(quick)
	if err != nil {
		return err
	}
	return s.run(0, "cd", "start", quick, "--version", fmt.Sprint(record.Champion.Version), "--wait")
}

func lostAgentAtTraining(_ context.Context, s *stage) error {
	if err := s.loseAgent(); err != nil {
		return err
	}
	return s.run(0, "ct", "start", quick, "--wait")
}

// loseAgent takes the agent's state and kills it.
func (s *stage) loseAgent() error {
	endpoints, err := s.Endpoints()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(s.State, "agent")); err != nil {
		return err
	}
	before := endpoints.PID["agent"]
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		return err
	}
	return until("another agent", func() bool {
		endpoints, err := s.Endpoints()
		return err == nil && endpoints.PID["agent"] != before
	})
}
