package serving

import "time"

// The aliases of a model: what the newest record of production says.
const (
	ChampionAlias   = "champion"
	ChallengerAlias = "challenger"
	PreviousAlias   = "previous"
)

// Aliases returns alias to version; an alias that names nothing is absent.
func (r Record) Aliases() map[string]int {
	aliases := map[string]int{}
	for alias, track := range map[string]*Track{ChampionAlias: r.Champion, ChallengerAlias: r.Challenger, PreviousAlias: r.Previous} {
		if track != nil {
			aliases[alias] = track.Version
		}
	}
	return aliases
}

// AliasMove is one alias that a record moved.
type AliasMove struct {
	Name       string    `json:"name"`
	Seq        int       `json:"seq"` // 1, 2, 3 … per name
	Generation int64     `json:"generation"`
	Alias      string    `json:"alias"`
	Version    int       `json:"version"` // 0: the alias names nothing from now on
	From       int       `json:"from"`    // version before, 0: none
	Actor      string    `json:"actor"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at"`
	Hash       string    `json:"hash"` // of the record
}

// AliasMoves reads the moves of aliases out of a history, oldest first.
func AliasMoves(history []Record) []AliasMove {
	moves := []AliasMove{}
	before := map[string]int{}
	for _, r := range history {
		now := r.Aliases()
		for _, alias := range []string{ChampionAlias, PreviousAlias, ChallengerAlias} {
			if now[alias] == before[alias] {
				continue
			}
			moves = append(moves, AliasMove{
				Name: r.Pipeline, Seq: len(moves) + 1, Generation: r.Generation, Alias: alias, Version: now[alias], From: before[alias],
				Actor: r.Actor, Reason: r.Reason, At: r.At, Hash: r.Hash,
			})
		}
		before = now
	}
	return moves
}
