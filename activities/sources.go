package activities

import (
	"context"
	"os"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/pipeline"
)

// sourced is an extraction's output, with what it was read from.
func (e *Extraction) sourced(ctx context.Context, out ExtractOutput, err error, from pipeline.Source, opened []opened) (ExtractOutput, error) {
	out.Source = from.Words()
	if err != nil {
		return out, err
	}
	sources := lineage.Sources{Source: out.Source, Simulate: from.Simulate, Relations: []lineage.Relation{}}
	for _, o := range opened {
		relation := lineage.Relation{Name: o.name, Database: o.Postgres != nil, Files: []lineage.File{}}
		for i, f := range o.files {
			info, err := os.Stat(f.Path)
			if err != nil {
				return out, fault.Wrap(fault.Unavailable, err, "reading the size of %s", f.Name)
			}
			relation.Files = append(relation.Files, lineage.File{URI: f.Name, SHA256: o.Files[i].SHA256, Bytes: info.Size()})
		}
		sources.Relations = append(sources.Relations, relation)
	}
	out.Sources, err = putJSON(ctx, e.Cache.Objects, sources)
	return out, err
}
