package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/workflows"
)

// newestAlert stands for the workflow that tells the newest alert: its ID is known when there is one.
const newestAlert = "the newest alert"

// receive has the platform tell its alerts to a receiver that takes them all.
func (s *stage) receive() (*httptest.Server, error) {
	secret := filepath.Join(s.work, "alert.secret")
	if err := os.WriteFile(secret, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600); err != nil {
		return nil, err
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Env = append(s.Env, "LOANOPS_DATA_DIRS="+s.work, "LOANOPS_ALERT_OPS_URL="+receiver.URL, "LOANOPS_ALERT_OPS_SECRET_FILE="+secret)
	return receiver, nil
}

// workflowID is the workflow whose history is kept.
func (s *stage) workflowID(k kept) (string, error) {
	switch k.workflowID {
	case newestAlert:
	case newestCheck:
		return s.checkID()
	default:
		return k.workflowID, nil
	}
	var alerts []struct {
		ID string `json:"id"`
	}
	if err := s.JSON(&alerts, "alerts", "list", quick, "--all"); err != nil {
		return "", err
	}
	if len(alerts) == 0 {
		return "", errors.New("there is no alert")
	}
	return workflows.AlertID(alerts[0].ID), nil
}

// toldOf waits until the newest alert was told.
func toldOf(ctx context.Context, s *stage) error {
	id, err := s.workflowID(kept{workflowID: newestAlert})
	if err != nil {
		return err
	}
	return s.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
}
