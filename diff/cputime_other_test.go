//go:build !unix

package diff

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 0 }
