package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/loanops/loanops/workflows"
)

// newestCheck stands for the workflow that has checked the SQL of views: its ID is of what was checked.
const newestCheck = "the newest check"

// checkID is that workflow's, once it can be found.
func (s *stage) checkID() (id string, err error) {
	found := func() bool {
		var listed *workflowservice.ListWorkflowExecutionsResponse
		listed, err = s.temporal.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType='" + workflows.CheckFeaturesName + "'"})
		if err == nil && len(listed.GetExecutions()) > 0 {
			id = listed.GetExecutions()[0].GetExecution().GetWorkflowId()
		}
		return err != nil || id != ""
	}
	return id, errors.Join(until("the check of SQL", found), err)
}

// late are payments none of which is late: the feed breaks that. Another view reads them by SQL.
const late = `views:
  - name: ledger
    entity: applicant
    source: {simulate: {feed: payments, rows: 500, seed: 20260630, from: 2025-01-01, to: 2026-06-30}}
    id: payment_id
    event_timestamp: due_at
    created_timestamp: recorded_at
    columns: [{name: late, type: boolean}, {name: amount, type: decimal, min: 0}, {name: days_late, type: integer, min: 0}, {name: channel, type: category}]
    rules: [{name: in_time, expression: "not late"}]
    features: [{name: late_30d, aggregate: sum, of: late, over: 30d}]
  - name: largest
    entity: applicant
    sql: {dialect: duckdb, from: [ledger], query: "SELECT applicant_id, event_timestamp, created_timestamp, amount FROM ledger"}
    features: [{name: amount, type: decimal, min: 0}]
`

// refusedFeed materializes a view whose feed is not taken.
func refusedFeed(_ context.Context, s *stage) error {
	folder := filepath.Join(s.work, "features")
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "ledger.yaml"), []byte(late), 0o600)); err != nil {
		return err
	}
	return errors.Join(s.run(0, "features", "apply", folder), s.run(3, "features", "materialize", "ledger"))
}

// onSkew has a monitor look at a champion of whose views one was never materialized.
func onSkew(_ context.Context, s *stage) error {
	if err := s.incomes("looked.csv", 1, "--rows", "3000"); err != nil {
		return err
	}
	return s.run(3, "monitor", "start", looking, "--data", "looked.csv", "--as-of", "2026-11-15", "--wait")
}
