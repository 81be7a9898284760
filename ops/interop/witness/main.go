// Witness serves the witness of transparency-dev on the loopback address, for logs whose origin is their key's name. It has
// two fresh keys, Ed25519 and ML-DSA-44, keeps what it cosigned in memory, and prints its address and both public keys.
// And it checks what a witness of ours signs of a subtree, by transparency-dev's formats.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"os"

	cosignatures "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("serve NAME LOG-VKEY... | subtree VKEY ORIGIN START END HASH SIGNATURE"))
	}
	if os.Args[1] == "subtree" {
		subtree(os.Args[2:])
		return
	}
	serve(os.Args[2], os.Args[3:])
}

// subtree checks a cosignature of leaves [start, end) without a time; hash and signature, as it stands in its line, in base64.
func subtree(arguments []string) {
	verifier, err := cosignatures.NewMLDSAVerifier(arguments[0])
	fail(err)
	var start, end uint64
	_, err = fmt.Sscan(arguments[2]+" "+arguments[3], &start, &end)
	fail(err)
	hash, err := base64.StdEncoding.DecodeString(arguments[4])
	fail(err)
	line, err := base64.StdEncoding.DecodeString(arguments[5])
	fail(err)
	if binary.BigEndian.Uint32(line) != verifier.KeyHash() || !verifier.VerifySubtree(0, arguments[1], start, end, hash, line[4:]) {
		fail(fmt.Errorf("the cosignature of [%d, %d) does not hold", start, end))
	}
}

func serve(name string, vkeys []string) {
	logs := map[string]note.Verifier{}
	for _, each := range vkeys {
		verifier, err := note.NewVerifier(each)
		fail(err)
		logs[verifier.Name()] = verifier
	}
	secret, public, err := note.GenerateKey(rand.Reader, name)
	fail(err)
	ed25519, err := cosignatures.NewSignerForCosignatureV1(secret)
	fail(err)
	public, err = cosignatures.VKeyToCosignatureV1(public)
	fail(err)
	secret, other, err := cosignatures.GenerateMLDSAKey(name)
	fail(err)
	mldsa, err := cosignatures.NewMLDSASigner(secret)
	fail(err)
	made, err := witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{ed25519, mldsa},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			verifier, found := logs[origin]
			return verifier, found, nil
		},
	})
	fail(err)
	http.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(made).AddCheckpoint)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	fmt.Printf("http://%s\n%s\n%s\n", listener.Addr(), public, other)
	fail(http.Serve(listener, nil))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "FAILED: %v\n", err)
		os.Exit(1)
	}
}
