package warehouse

// On is the warehouse with so many threads for a call.
func (w *Warehouse) On(threads int) *Warehouse { return &Warehouse{dir: w.dir, threads: threads} }

// Crowded is the warehouse for which a key has many rows where it has more than so many.
func (w *Warehouse) Crowded(rows int) *Warehouse {
	return &Warehouse{dir: w.dir, threads: w.threads, rows: rows}
}

// Small is the warehouse with so many MB for a call.
func (w *Warehouse) Small(memory int) *Warehouse { return &Warehouse{dir: w.dir, memory: memory} }
