package join

import (
	"bytes"
	"slices"
)

// joins holds a first join against the policy.
func (j *judgement) joins() {
	if j.f.Standing != nil && j.f.Standing.Frozen {
		j.refuse(clusterFrozen())
	}
	j.approval = 0
	j.sameName()
	if j.policy == nil {
		return
	}
	j.name()
	j.role()
}

// sameName keeps a machine from getting another name: certificates for the one it
// had are still good, and its record could not say that it holds both.
func (j *judgement) sameName() {
	if j.own != nil && j.own.Name != j.c.Request.Name {
		j.refuse(nameMismatch(j.own.Name, j.c.Request.Name))
	}
}

// name wants one with a prefix of the policy, and the one that is listed.
func (j *judgement) name() {
	name := j.c.Request.Name
	if !j.policy.allowsName(name) {
		j.refuse(nameNotAllowed(startingWith(j.policy.NamePrefixes), name))
	}
	if l, found := j.policy.listed(j.c.Identity); found && l.Name != "" && l.Name != name {
		j.refuse(nameNotAllowed([]string{string(l.Name)}, name))
	}
}

// role wants what the policy asks of a machine of the platform. Another role than
// the recorded one is never a matter of course.
func (j *judgement) role() {
	role := j.c.Request.Role
	mode := j.policy.mode(j.c.Claims.Platform, role)
	listed, found := j.policy.listed(j.c.Identity)
	changes := j.own != nil && j.own.Role != role
	switch {
	case found && slices.Contains(listed.Roles, role):
	case mode == Auto && !changes:
	case mode == Auto || mode == Approve:
		j.approved()
	case found:
		j.refuse(roleMismatch(listed.Roles, role))
	default:
		j.refuse(identityNotListed(j.c.Identity))
	}
}

// approved wants an approval for this machine, role and name that no join has
// used.
func (j *judgement) approved() {
	a, found := j.f.Standing.ApprovalFor(j.c.Identity)
	switch {
	case !found:
		j.await(approvalMissing(j.c, ""))
	case len(a.Chip) > 0 && !bytes.Equal(a.Chip, chipOf(j.c.Claims)):
		j.await(approvalMissing(j.c, "an approval for another chip"))
	default:
		j.spend(&a, j.c.Request.Role, j.c.Request.Name)
		j.approval = a.Serial
	}
}
