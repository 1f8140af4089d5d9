package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"

	"github.com/stagescope/stagescope/chain/image"
)

// StatusError is a registry's answer that is not what was asked for. Its text
// quotes the registry and has to be escaped before it is shown.
type StatusError struct {
	Place  string
	Code   int
	Detail string // what the registry says, cut; may be ""
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s answered %d %s", e.Place, e.Code, http.StatusText(e.Code))
	switch e.Code {
	case http.StatusNotFound:
		text = fmt.Sprintf("%s does not have it", e.Place)
	case http.StatusUnauthorized, http.StatusForbidden:
		text = fmt.Sprintf("%s does not let us in (%d)", e.Place, e.Code)
	case http.StatusTooManyRequests:
		text = fmt.Sprintf("%s has had too many requests (429)", e.Place)
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Is makes an answer 404 an ErrNotFound.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Code == http.StatusNotFound
}

// noAnswer marks that a registry gave none.
type noAnswer struct{ error }

func (e *noAnswer) Unwrap() error { return e.error }

// passing says whether an error may be gone the next time.
func passing(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Code {
		case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// maxDetail bounds what is quoted of a registry, in bytes.
const maxDetail = 300

func statusError(resp *http.Response, place string) error {
	e := &StatusError{Place: place, Code: resp.StatusCode}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	if err != nil {
		return e // the status says enough
	}
	var says struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(body, &says) == nil && len(says.Errors) > 0 {
		text := says.Errors[0].Code + " " + says.Errors[0].Message
		e.Detail = fmt.Sprintf("%q", text[:min(len(text), maxDetail)])
	}
	return e
}

// answerError leaves the URL out of an error of package http: one that a
// registry redirects to may carry credentials.
func answerError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if at, parseErr := url.Parse(u.URL); parseErr == nil {
			return fmt.Errorf("%s: %w", at.Host, u.Err)
		}
		return u.Err
	}
	return err
}

// readLimited reads all of r, at most limit bytes.
func readLimited(r io.Reader, what string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &image.LimitError{What: what, Limit: limit}
	}
	return data, nil
}
