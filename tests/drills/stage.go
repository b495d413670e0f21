package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

const (
	layout = "2006-01-02"
	// patience is how long a training with its delivery may take.
	patience = 3 * time.Minute
)

// stage is a drill that is being played.
type stage struct {
	platform *platformtest.Platform
	drill    drill
	folder   string
	row      row
}

// finding is one of a look's findings.
type finding struct {
	Kind      string `json:"kind"`
	Feature   string `json:"feature"`
	Statistic string `json:"statistic"`
}

func (f finding) name() string {
	about := f.Feature
	if f.Kind == "prediction_drift" {
		about = "the score"
	}
	return strings.TrimSpace(about + " " + f.Statistic)
}

// looked is what `monitor start --wait` says.
type looked struct {
	Verdict  string    `json:"verdict"`
	Reasons  []string  `json:"reasons"`
	Findings []finding `json:"findings"`
}

func (s *stage) wrong(format string, args ...any) {
	s.row.Wrong = append(s.row.Wrong, fmt.Sprintf(format, args...))
}

// play writes the stream, trains a champion, looks before the drill and during it, and sees what served afterwards.
func (s *stage) play(template string) error {
	if err := s.stream(); err != nil {
		return err
	}
	spec, err := s.spec(template)
	if err != nil {
		return err
	}
	if _, err := s.train(trained, "--pipeline", spec); err != nil {
		return err
	}
	before, err := s.look(calm)
	if err != nil {
		return err
	}
	if before.Verdict != "nothing" {
		s.wrong("%s before the drill: %s", before.Verdict, strings.Join(before.Reasons, "; "))
	}
	var client *load
	if s.drill.bad > 0 {
		if _, err := s.train(began.AddDate(0, 0, s.drill.bad), s.drill.name); err != nil {
			return err
		}
		// Not before: the same few applications over and over are too little for a canary, which would wait for others.
		if client, err = newLoad(s.platform, s.drill.name); err != nil {
			return err
		}
		defer client.Stop()
	}
	last, err := s.looks()
	if err != nil {
		return err
	}
	s.judge(last)
	if err := s.afterwards(last); err != nil {
		return err
	}
	if client != nil {
		return s.rolledBack(client)
	}
	return nil
}

// stream writes the drill's parts.
func (s *stage) stream() error {
	last := began.AddDate(0, 0, s.drill.looks[len(s.drill.looks)-1])
	var written struct{}
	return s.platform.JSON(&written, "simulate", "--stream", s.folder, "--from", first.Format(layout), "--to", last.Format(layout), "--rows-per-day", strconv.Itoa(cmp.Or(s.drill.perDay, usualPerDay)),
		"--drill", s.drill.name, "--drill-from", began.Format(layout))
}

// spec writes the drill's own spec beside its parts.
func (s *stage) spec(template string) (file string, err error) {
	changes := append([][2]string{
		{"name: stream\n", "name: " + s.drill.name + "\n"},
		{"schema: {", "schedule: {retrain: off, monitor: off}\nmonitor: {cooldown_hours: 0, max_runs_per_day: 100}\nschema: {"},
		// The machine's speed is not what drills are about.
		{"p99_millis: 100, batch_p99_millis: 500}", "p99_millis: 2000, batch_p99_millis: 5000}"},
		{"max_p99_millis: 200,", "max_p99_millis: 5000, max_error_rate: 0.05, max_slow_share: 0.05, max_unpredicted_shift: 0.05,"},
	}, s.drill.spec...)
	for _, change := range changes {
		if strings.Count(template, change[0]) != 1 {
			return "", fmt.Errorf("the spec: %q is not there once", change[0])
		}
		template = strings.Replace(template, change[0], change[1], 1)
	}
	file = filepath.Join(s.folder, "spec.yaml")
	return file, os.WriteFile(file, []byte(template), 0o600)
}

// train trains as of a day and waits until the version serves.
func (s *stage) train(asOf time.Time, args ...string) (platformtest.Result, error) {
	platformtest.Say("%s: training as of %s", s.drill.name, asOf.Format(layout))
	var r platformtest.Result
	err := s.platform.JSON(&r, append([]string{"ct", "start", "--wait", "--as-of", asOf.Format(layout)}, args...)...)
	return r, err
}

// look has the monitor look as of a day.
func (s *stage) look(asOf time.Time) (looked, error) {
	var l looked
	wait, err := s.platform.Command("monitor", "start", s.drill.name, "--as-of", asOf.Format(layout), "--wait", "--output", "json")
	if err != nil {
		return l, err
	}
	ended := wait()
	if !slices.Contains([]int{0, 3, 4}, ended.Code) {
		return l, fmt.Errorf("the look of %s: exit %d\n%s%s", asOf.Format(layout), ended.Code, ended.Stdout, ended.Stderr)
	}
	if err := json.Unmarshal(ended.Stdout, &l); err != nil {
		return l, err
	}
	s.row.Looks = append(s.row.Looks, look{asOf.Format(layout), l.Verdict, l.Reasons})
	platformtest.Say("%s: %s: %s: %s", s.drill.name, asOf.Format(layout), l.Verdict, strings.Join(l.Reasons, "; "))
	return l, nil
}

// looks are those after the drill has begun, until one finds something.
func (s *stage) looks() (last looked, err error) {
	for _, after := range s.drill.looks {
		if last, err = s.look(began.AddDate(0, 0, after)); err != nil {
			return last, err
		}
		s.row.Delay = after
		if last.Verdict != "nothing" {
			break
		}
	}
	return last, nil
}

// judge holds the look that ended the drill against what is right.
func (s *stage) judge(last looked) {
	s.row.Verdict = last.Verdict
	s.row.found(last.Findings)
	if last.Verdict != s.drill.verdict {
		s.wrong("%s, and %s is wanted", last.Verdict, s.drill.verdict)
	}
	if s.row.Delay > s.drill.within || s.row.Delay < s.drill.notBefore {
		s.wrong("on day %d, and day %d to %d is wanted", s.row.Delay, s.drill.notBefore, s.drill.within)
	}
	named := slices.ContainsFunc(last.Findings, func(f finding) bool {
		return f.Kind == s.drill.kind && (s.drill.feature == "" || f.Feature == s.drill.feature)
	})
	if s.drill.kind != "" && !named {
		s.wrong("no finding of %s %s", s.drill.kind, s.drill.feature)
	}
}

// afterwards waits for the training that the look started, and sees what serves.
func (s *stage) afterwards(last looked) error {
	if last.Verdict == "retrain" {
		result, err := s.ended("training-" + s.drill.name)
		if err != nil {
			return err
		}
		s.row.Training = result.Verdict
		platformtest.Say("%s: the training: %s: %s", s.drill.name, result.Verdict, strings.Join(result.Reasons, "; "))
		if !slices.Contains(s.drill.ended, result.Verdict) {
			s.wrong("the training ended as %s: %s", result.Verdict, strings.Join(result.Reasons, "; "))
		}
	}
	record, err := s.platform.Serving(s.drill.name)
	if err != nil {
		return err
	}
	if record.Champion == nil {
		s.wrong("nothing serves")
		return nil
	}
	s.row.Serves, s.row.Reason = record.Champion.Version, record.Reason
	if !slices.Contains(s.drill.serves, s.row.Serves) {
		s.wrong("version %d serves", s.row.Serves)
	}
	actual, err := s.platform.Actual("production", s.drill.name)
	if err != nil {
		return err
	}
	if share := actual.Share(s.row.Serves); share != 100 || !actual.Whole() {
		s.wrong("version %d gets %d %% of the traffic", s.row.Serves, share)
	}
	return nil
}

// ended waits for the end of a workflow's newest run.
func (s *stage) ended(workflow string) (platformtest.Result, error) {
	deadline, poll := time.After(patience), time.NewTicker(200*time.Millisecond)
	defer poll.Stop()
	for {
		described, err := s.platform.Describe(workflow)
		if err != nil {
			return platformtest.Result{}, err
		}
		if described.Closed() {
			past, err := s.platform.History(workflow)
			if err == nil && past.Result == nil {
				err = fmt.Errorf("%s ended as %s", workflow, described.Info.Status)
			}
			if err != nil {
				return platformtest.Result{}, err
			}
			return *past.Result, nil
		}
		select {
		case <-deadline:
			return platformtest.Result{}, fmt.Errorf("%s does not end", workflow)
		case <-poll.C:
		}
	}
}
