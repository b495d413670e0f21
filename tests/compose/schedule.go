package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// timed is a pipeline that trains by itself: no model passes its gate, so that a training ends in seconds and delivers nothing.
const timed = "timed"

// schedule has it train every ten seconds, until one training has ended. What stays is a schedule for the night, which a later part looks for.
func (j *journey) schedule(ctx context.Context) error {
	return j.steps(
		do{"pipelines register, schedule set --every 10s", func() (string, error) {
			text, err := os.ReadFile(filepath.Join(j.clone, "pipelines", model+".yaml"))
			if err != nil {
				return "", err
			}
			spec := string(text)
			for _, change := range [][2]string{{"name: " + model + "\n", "name: " + timed + "\n"}, {"rows: 20000", "rows: 500"}, {"{metric: auc, value: lower, min: 0.65}", "{metric: auc, value: lower, min: 0.999}"}} {
				if strings.Count(spec, change[0]) != 1 {
					return "", fmt.Errorf("%q is not once in the spec", change[0])
				}
				spec = strings.Replace(spec, change[0], change[1], 1)
			}
			if err := os.WriteFile(filepath.Join(j.clone, "pipelines", timed+".yaml"), []byte(spec), 0o644); err != nil {
				return "", err
			}
			if err := j.cli(ctx, nil, "pipelines", "register", "pipelines/"+timed+".yaml"); err != nil {
				return "", err
			}
			return "", j.cli(ctx, nil, "schedule", "set", timed, "--every", "10s")
		}},
		do{"a training that the schedule started", func() (said string, err error) {
			err = awaitEvery(ctx, 2*time.Second, 3*time.Minute, func() error {
				var runs []struct{ Type, Trigger, Status, Verdict string }
				if err := j.cli(ctx, &runs, "runs", "list", "--pipeline", timed, "--limit", "100"); err != nil {
					return err
				}
				for _, run := range runs {
					if run.Type == "ContinuousTraining" && run.Trigger == "schedule" && run.Status == "completed" {
						said = run.Verdict
						return nil
					}
				}
				return fmt.Errorf("of %d runs none", len(runs))
			})
			return said, err
		}},
		do{"schedule set --cron \"30 4 * * *\"", func() (string, error) {
			return "", j.cli(ctx, nil, "schedule", "set", timed, "--cron", "30 4 * * *")
		}},
	)
}
