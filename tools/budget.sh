# shellcheck shell=bash
# Time budgets of the stages. Sourced by test.sh after env.sh.
#
# A machine is warm when a run with the same Go, the same dependencies and the
# same scripts was green on it and what that run built is still there: the proof
# lies among Bazel's outputs, and vanishes with them. Any other run is cold.
# shellcheck disable=SC2154

warm_proof() {
	local key outputs
	key=$({
		go version
		cat go.mod go.sum tools/lint/go.sum MODULE.bazel .bazelversion .bazelrc
		find tools -name '*.sh' -print0 | LC_ALL=C sort -z | xargs -0 cat
	} | sha256sum | cut -c1-16)
	outputs=$(timeout 300 bazel info output_base 2>/dev/null)
	echo "$outputs/asterism-warm-$key"
}

decide_temperature() {
	temperature=cold
	if [ -e "$lint_bin/complete" ] && command -v bazel >/dev/null && [ -e "$(warm_proof)" ]; then
		temperature=warm
	fi
	echo "this machine is $temperature"
}

remember_warm() { touch "$(warm_proof)"; }

# budget_of prints the seconds that budgets.txt grants a stage.
budget_of() {
	awk -v stage="$1" -v column="$([ "$temperature" = cold ] && echo 2 || echo 3)" \
		'$1 == stage { print $column }' tools/budgets.txt
}

# within_budget fails when a stage took more than half as long again as its
# budget: machines drift, and a budget that is met to the second tells nothing.
within_budget() {
	local stage=$1 took=$2 budget
	budget=$(budget_of "$stage")
	if [ -z "$budget" ]; then
		echo "== tools/budgets.txt has no budget for the stage $stage" >&2
		return 1
	fi
	if [ $((took * 2)) -gt $((budget * 3)) ]; then
		echo "== $stage took $took s; its $temperature budget is $budget s (tools/budgets.txt). Make it faster, or raise the budget and say why." >&2
		return 1
	fi
}
