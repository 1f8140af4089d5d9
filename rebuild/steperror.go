package rebuild

import "fmt"

// Error names the step and its exit code; Tail holds what it printed last.
func (e *StepError) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf(" (line %d)", e.Line)
	}
	return fmt.Sprintf("%s: step failed with exit code %d: %s%s", e.Stage, e.ExitCode, e.Name, where)
}
