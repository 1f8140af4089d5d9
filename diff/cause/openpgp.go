package cause

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
)

// signed reports whether bytes are signatures and nothing else, from the first to
// the last: packets of OpenPGP (RFC 9580, section 5.2), or signed data of CMS (RFC
// 5652). Who signed, and what, cannot be told without the key and the text.
func signed(p []byte) bool {
	if len(p) == 0 {
		return false
	}
	if p[0] == 0x30 {
		return signedData(p)
	}
	for len(p) > 0 {
		body, rest, ok := signaturePacket(p)
		if !ok || !signatureBody(body) {
			return false
		}
		p = rest
	}
	return true
}

// signedData is one value of ASN.1 in DER that says that it is signed data.
func signedData(p []byte) bool {
	var outer struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,tag:0"`
	}
	rest, err := asn1.Unmarshal(p, &outer)
	return err == nil && len(rest) == 0 && outer.Type.Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2})
}

// signaturePacket takes a packet with tag 2 off the beginning.
func signaturePacket(p []byte) (body, rest []byte, ok bool) {
	const tag = 2
	var n, head uint64
	switch {
	case p[0]&0xc0 == 0x80 && p[0]>>2&15 == tag && p[0]&3 < 3:
		width := uint64(1) << (p[0] & 3)
		if head = 1 + width; uint64(len(p)) < head {
			return nil, nil, false
		}
		for _, c := range p[1:head] {
			n = n<<8 | uint64(c)
		}
	case p[0] == 0xc0|tag:
		if n, head, ok = packetLength(p[1:]); !ok {
			return nil, nil, false
		}
		head++
	default:
		return nil, nil, false
	}
	if n > uint64(len(p))-head {
		return nil, nil, false
	}
	return p[head : head+n], p[head+n:], true
}

// packetLength reads a length of the new format: of 1, 2 or 5 bytes. Lengths of
// parts are for what is streamed.
func packetLength(p []byte) (n, head uint64, ok bool) {
	switch {
	case len(p) >= 1 && p[0] < 192:
		return uint64(p[0]), 1, true
	case len(p) >= 2 && p[0] < 224:
		return uint64(p[0]-192)<<8 + uint64(p[1]) + 192, 2, true
	case len(p) >= 5 && p[0] == 255:
		return uint64(binary.BigEndian.Uint32(p[1:])), 5, true
	}
	return 0, 0, false
}

// signatureBody reads a signature of version 3 to 6 to its end.
func signatureBody(p []byte) bool {
	if len(p) < 6 {
		return false
	}
	algorithm, area := p[2], 2
	switch version := p[0]; version {
	case 3:
		// Hashed are the type and the time; the key's number follows.
		if len(p) < 19 || p[1] != 5 {
			return false
		}
		return numbers(p[15], p[19:])
	case 6:
		area = 4
	case 4, 5:
	default:
		return false
	}
	rest := p[4:]
	for range 2 { // what is hashed, and what is not
		var ok bool
		if rest, ok = subpackets(rest, area); !ok {
			return false
		}
	}
	if len(rest) < 2 {
		return false
	}
	rest = rest[2:] // the beginning of the hash
	if p[0] == 6 {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return false
		}
		rest = rest[1+int(rest[0]):] // the salt
	}
	return numbers(algorithm, rest)
}

// subpackets takes an area of them off the beginning, whose length has so many bytes.
func subpackets(p []byte, width int) (rest []byte, ok bool) {
	if len(p) < width {
		return nil, false
	}
	n := uint64(0)
	for _, c := range p[:width] {
		n = n<<8 | uint64(c)
	}
	p = p[width:]
	if n > uint64(len(p)) {
		return nil, false
	}
	area, rest := p[:n], p[n:]
	for len(area) > 0 {
		n, head, ok := subpacketLength(area)
		if !ok || n == 0 || n > uint64(len(area))-head {
			return nil, false
		}
		area = area[head+n:]
	}
	return rest, true
}

// subpacketLength differs from that of packets in what two bytes may hold.
func subpacketLength(p []byte) (n, head uint64, ok bool) {
	if len(p) >= 2 && p[0] >= 224 && p[0] < 255 {
		return uint64(p[0]-192)<<8 + uint64(p[1]) + 192, 2, true
	}
	return packetLength(p)
}

// numbers reports whether a signature of an algorithm is all that is left: RSA, DSA,
// ECDSA and EdDSA have numbers with their lengths in bits, the others a fixed size.
func numbers(algorithm byte, p []byte) bool {
	count := 0
	switch algorithm {
	case 1, 3:
		count = 1
	case 17, 19, 22:
		count = 2
	case 27:
		return len(p) == 64
	case 28:
		return len(p) == 114
	default:
		return false
	}
	for range count {
		if len(p) < 2 {
			return false
		}
		n := (int(binary.BigEndian.Uint16(p)) + 7) / 8
		if p = p[2:]; n == 0 || n > len(p) {
			return false
		}
		p = p[n:]
	}
	return len(p) == 0
}

// armourSum is the checksum of an armour: 24 bits, in base64 (RFC 9580, section 6.1).
func armourSum(p []byte) string {
	sum := uint32(0xb704ce)
	for _, c := range p {
		sum ^= uint32(c) << 16
		for range 8 {
			if sum <<= 1; sum&0x1000000 != 0 {
				sum ^= 0x1864cfb
			}
		}
	}
	return base64.StdEncoding.EncodeToString([]byte{byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// mantled is the content of a block's lines, and whether the checksum behind them,
// where there is one, is that of the content.
func mantled(lines []string) (p []byte, fits bool) {
	sum := ""
	if k := len(lines) - 1; k > 0 && len(lines[k]) == 5 && lines[k][0] == '=' {
		sum, lines = lines[k][1:], lines[:k]
	}
	var text bytes.Buffer
	for _, l := range lines {
		text.WriteString(l)
	}
	p, err := base64.StdEncoding.DecodeString(text.String())
	return p, err == nil && len(p) > 0 && (sum == "" || sum == armourSum(p))
}
