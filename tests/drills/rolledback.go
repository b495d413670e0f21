package main

import (
	"strings"
	"time"
)

// rolledBack holds that no request failed, that the record says why, and that Terraform has adopted it.
func (s *stage) rolledBack(client *load) error {
	client.Stop()
	s.row.Requests, s.row.Failed = int(client.asked.Load()), int(client.failed.Load())
	if s.row.Failed > 0 || s.row.Requests == 0 {
		s.wrong("%d of %d requests failed", s.row.Failed, s.row.Requests)
	}
	var looks []struct {
		RunID string `json:"run_id"`
	}
	if err := s.platform.JSON(&looks, "monitor", "list", s.drill.name, "--limit", "1"); err != nil {
		return err
	}
	if len(looks) != 1 || !strings.Contains(s.row.Reason, looks[0].RunID) || !strings.Contains(s.row.Reason, "is better than the champion") {
		s.wrong("the serving record says %q, and not which look found what", s.row.Reason)
	}
	return s.planned()
}

// planned waits until `terraform plan` has nothing to change.
func (s *stage) planned() error {
	deadline, poll := time.After(time.Minute), time.NewTicker(3*time.Second)
	defer poll.Stop()
	for {
		clean, said, err := s.platform.Planned(s.drill.name)
		if clean || err != nil {
			s.row.PlanClean = clean
			return err
		}
		select {
		case <-deadline:
			s.wrong("terraform plan has something to change: %s", said)
			return nil
		case <-poll.C: // whoever adopts a rollback needs the state's lock in between
		}
	}
}
