// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import "github.com/auditchain/auditchain/integrity"

// charter is what the genesis of a chain says that its writers go by, and that
// each chain.segment repeats, because the genesis may be removed by
// retention: what may be removed, whose checkpoints count, and who may have
// records erased.
type charter struct {
	retention     *integrity.Retention
	checkpointKey string
	erasureKey    string
}

// learn takes in what the first line of the file at hand says.
func (c *committer) learn(b *beginning) {
	c.began, c.charter, c.learned = b.began, b.charter, true
	c.firstLeaf, c.firstSeq = b.leaf(), b.seq
}

// hasTree says that the chain has checkpoints, and with them a tree.
func (c *charter) hasTree() bool { return c.checkpointKey != "" }

// charter is what the genesis of a chain begun with these options says.
func (j *Journal) charter() charter {
	return charter{
		retention:     j.opts.Rotation.policy(),
		checkpointKey: j.opts.Checkpoint.Signer.Public().Base64(),
		erasureKey:    j.opts.ErasureKey.Base64(),
	}
}
