package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) PutPipeline(ctx context.Context, spec registry.PipelineSpec) error {
	if spec.Name == "" || spec.Digest == "" || spec.Policy.Digest == "" {
		return fault.New(fault.Invalid, "a pipeline spec needs a name, a digest and a policy")
	}
	features := ""
	if len(spec.Features) > 0 {
		data, err := json.Marshal(spec.Features)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "encoding the features of %s", spec.Name)
		}
		features = string(data)
	}
	return s.Transact(ctx, "recording a pipeline spec", func(tx *sql.Tx) error {
		var digest, resolved string
		err := tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT digest, features FROM pipelines WHERE name = ? ORDER BY seq DESC LIMIT 1"), spec.Name).Scan(&digest, &resolved)
		if digest == spec.Digest && (len(spec.Features) == 0 || resolved == features) || (err != nil && !errors.Is(err, sql.ErrNoRows)) {
			return err
		}
		_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO policies (pipeline, digest, document) VALUES (?, ?, ?) ON CONFLICT (pipeline, digest) DO NOTHING"),
			spec.Name, spec.Policy.Digest, string(spec.Policy.Document))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO pipelines (name, digest, yaml, policy, features, created_at) VALUES (?, ?, ?, ?, ?, ?)"),
			spec.Name, spec.Digest, spec.YAML, spec.Policy.Digest, features, now().UnixMicro())
		return err
	})
}

func (s *store) Pipeline(ctx context.Context, name string) (registry.PipelineSpec, error) {
	specs, err := s.pipelines(ctx, "WHERE name = ? ORDER BY seq DESC LIMIT 1", name)
	if err != nil {
		return registry.PipelineSpec{}, err
	}
	if len(specs) == 0 {
		return registry.PipelineSpec{}, fault.New(fault.NotFound, "there is no pipeline %q; `loanops pipelines list` shows those that there are", name)
	}
	return specs[0], nil
}

func (s *store) PipelineAt(ctx context.Context, name, digest string) (registry.PipelineSpec, error) {
	specs, err := s.pipelines(ctx, "WHERE name = ? AND pipelines.digest = ? ORDER BY seq DESC LIMIT 1", name, digest)
	if err != nil {
		return registry.PipelineSpec{}, err
	}
	if len(specs) == 0 {
		return registry.PipelineSpec{}, fault.New(fault.NotFound, "no spec of pipeline %q with digest %s is registered", name, digest)
	}
	return specs[0], nil
}

func (s *store) PipelineHistory(ctx context.Context, name string) ([]registry.PipelineSpec, error) {
	return s.pipelines(ctx, "WHERE name = ? ORDER BY seq DESC", name)
}

func (s *store) Policy(ctx context.Context, pipeline, digest string) (registry.Policy, error) {
	var document string
	err := s.QueryRowContext(ctx, s.Dialect.Rebind("SELECT document FROM policies WHERE pipeline = ? AND digest = ?"), pipeline, digest).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return registry.Policy{}, fault.New(fault.NotFound, "no spec of pipeline %q declared a policy %q; `loanops policy history %s` shows those that there are", pipeline, digest, pipeline)
	}
	if err != nil {
		return registry.Policy{}, s.Dialect.Fault(err, "reading a policy")
	}
	return registry.Policy{Digest: digest, Document: json.RawMessage(document)}, nil
}

func (s *store) Pipelines(ctx context.Context) ([]registry.PipelineSpec, error) {
	return s.pipelines(ctx, "WHERE seq IN (SELECT MAX(seq) FROM pipelines GROUP BY name) ORDER BY name")
}

func (s *store) pipelines(ctx context.Context, where string, args ...any) ([]registry.PipelineSpec, error) {
	rows, err := s.QueryContext(ctx, s.Dialect.Rebind("SELECT name, pipelines.digest, yaml, created_at, policies.digest, document, features FROM pipelines "+
		"JOIN policies ON policies.pipeline = name AND policies.digest = policy "+where), args...)
	if err != nil {
		return nil, s.Dialect.Fault(err, "reading pipeline specs")
	}
	defer rows.Close()
	specs := []registry.PipelineSpec{}
	for rows.Next() {
		var spec registry.PipelineSpec
		var at int64
		var document, features string
		if err := rows.Scan(&spec.Name, &spec.Digest, &spec.YAML, &at, &spec.Policy.Digest, &document, &features); err != nil {
			return nil, s.Dialect.Fault(err, "reading pipeline specs")
		}
		if features != "" {
			if err := json.Unmarshal([]byte(features), &spec.Features); err != nil {
				return nil, fault.Wrap(fault.Internal, err, "the features of %s", spec.Name)
			}
		}
		spec.CreatedAt, spec.Policy.Document = time.UnixMicro(at).UTC(), json.RawMessage(document)
		specs = append(specs, spec)
	}
	if err := rows.Err(); err != nil {
		return nil, s.Dialect.Fault(err, "reading pipeline specs")
	}
	return specs, nil
}
