// Interop reads what SC Manager publishes, and makes what SC Manager reads, with other people's libraries alone:
// golang.org/x/mod/sumdb, transparency-dev/formats, merkle and tessera. `make interop` runs it; README.md says what it does.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	cosignatures "github.com/transparency-dev/formats/note"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("read URL LOG-VKEY WITNESS-VKEY... | proof LOG-VKEY FILE ENTRY | key NAME | cosign FILE NAME | make DIR KEY-FILE POLICY COUNT..."))
	}
	ctx, arguments := context.Background(), os.Args[2:]
	switch os.Args[1] {
	case "read":
		read(ctx, arguments[0], arguments[1], arguments[2:])
	case "proof":
		checkProof(arguments[0], arguments[1], arguments[2])
	case "key":
		secret, public, err := note.GenerateKey(rand.Reader, arguments[0])
		fail(err)
		fmt.Printf("%s\n%s\n", secret, public)
	case "cosign":
		cosign(arguments[0], arguments[1])
	case "make":
		grow(ctx, arguments[0], arguments[1], arguments[2], arguments[3:])
	default:
		fail(fmt.Errorf("no such command: %s", os.Args[1]))
	}
}

// read checks a log behind a server: its head, every tile and entry, proofs made from its tiles and those it serves.
func read(ctx context.Context, address, vkey string, witnesses []string) {
	root, err := url.Parse(strings.TrimSuffix(address, "/") + "/")
	fail(err)
	fetcher, err := client.NewHTTPFetcher(root, http.DefaultClient)
	fail(err)
	verifier, err := note.NewVerifier(vkey)
	fail(err)
	raw, err := fetcher.ReadCheckpoint(ctx)
	fail(err)
	opened, err := note.Open(raw, note.VerifierList(verifier))
	fail(err)
	fmt.Printf("x/mod note: signed by %s, %d other signatures\n", opened.Sigs[0].Name, len(opened.UnverifiedSigs))

	others := []note.Verifier{}
	for _, each := range witnesses {
		others = append(others, cosigner(each))
	}
	head, _, all, err := log.ParseCheckpoint(raw, verifier.Name(), verifier, others...)
	fail(err)
	if len(all.Sigs) != 1+len(others) {
		fail(fmt.Errorf("%d of %d signatures hold", len(all.Sigs), 1+len(others)))
	}
	for _, each := range all.Sigs[1:] {
		at, err := cosignatures.CoSigV1Timestamp(each)
		fail(err)
		fmt.Printf("formats: cosigned by %s at %s\n", each.Name, at.UTC().Format(time.RFC3339))
	}

	fail(fsck.New(verifier.Name(), verifier, fetcher, leafHashes, fsck.Opts{N: 2}).Check(ctx))
	fmt.Printf("tessera fsck: %d entries and all their tiles\n", head.Size)

	tree := tlog.Tree{N: int64(head.Size), Hash: tlog.Hash(head.Hash)}
	tiles := tlog.TileHashReader(tree, &tileReader{ctx, fetcher})
	leaves, err := client.FetchLeafHashes(ctx, fetcher.ReadTile, 0, head.Size, head.Size)
	fail(err)
	builder, err := client.NewProofBuilder(ctx, head.Size, fetcher.ReadTile)
	fail(err)
	inclusions, consistencies := 0, 0
	for index := uint64(0); index < head.Size; index += 1 + head.Size/41 {
		made, err := tlog.ProveRecord(tree.N, int64(index), tiles)
		fail(err)
		fail(tlog.CheckRecord(made, tree.N, tree.Hash, int64(index), tlog.Hash(leaves[index])))
		hashes, err := builder.InclusionProof(ctx, index)
		fail(err)
		fail(proof.VerifyInclusion(rfc6962.DefaultHasher, index, head.Size, leaves[index], hashes, head.Hash))
		served := servedProof(root, fmt.Sprintf("api/v1/ledger/inclusion/%d", index))
		fail(proof.VerifyInclusion(rfc6962.DefaultHasher, index, head.Size, leaves[index], served, head.Hash))
		fail(tlog.CheckRecord(record(served), tree.N, tree.Hash, int64(index), tlog.Hash(leaves[index])))
		inclusions++
		if index == 0 {
			continue
		}
		old, err := tlog.TreeHash(int64(index), tiles)
		fail(err)
		hashes, err = builder.ConsistencyProof(ctx, index, head.Size)
		fail(err)
		fail(proof.VerifyConsistency(rfc6962.DefaultHasher, index, head.Size, hashes, old[:], head.Hash))
		served = servedProof(root, fmt.Sprintf("api/v1/ledger/consistency/%d", index))
		fail(proof.VerifyConsistency(rfc6962.DefaultHasher, index, head.Size, served, old[:], head.Hash))
		fail(tlog.CheckTree(tlog.TreeProof(record(served)), tree.N, tree.Hash, int64(index), old))
		consistencies++
	}
	fmt.Printf("x/mod tlog, merkle: %d inclusion and %d consistency proofs, from tiles and as served\n", inclusions, consistencies)
}

// checkProof checks a .tlog-proof for the entry in a file.
func checkProof(vkey, file, entry string) {
	data, err := os.ReadFile(file)
	fail(err)
	leaf, err := os.ReadFile(entry)
	fail(err)
	var read tlogproof.TLogProof
	fail(read.Unmarshal(data))
	if !bytes.Equal(read.Marshal(), data) {
		fail(fmt.Errorf("%s is spelled in another way", file))
	}
	verifier, err := note.NewVerifier(vkey)
	fail(err)
	head, _, _, err := log.ParseCheckpoint(read.Checkpoint, verifier.Name(), verifier)
	fail(err)
	hashes := [][]byte{}
	for _, each := range read.Hashes {
		hashes = append(hashes, each[:])
	}
	hash := rfc6962.DefaultHasher.HashLeaf(leaf)
	fail(proof.VerifyInclusion(rfc6962.DefaultHasher, read.Index, head.Size, hash, hashes, head.Hash))
	fmt.Printf("formats proof: entry %d of %d\n", read.Index, head.Size)
}

// cosign adds the cosignatures of two fresh keys to a checkpoint, Ed25519 and ML-DSA-44, and prints their public keys.
func cosign(file, name string) {
	raw, err := os.ReadFile(file)
	fail(err)
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
	text, _, _ := strings.Cut(string(raw), "\n\n")
	signed, err := note.Sign(&note.Note{Text: text + "\n"}, ed25519, mldsa)
	fail(err)
	_, lines, _ := bytes.Cut(signed, []byte("\n\n"))
	fail(os.WriteFile(file, append(raw, lines...), 0o644))
	fmt.Printf("%s\n%s\n", public, other)
}

// grow makes a log by tessera, in steps up to these sizes, each cosigned by the witnesses of the policy, and proofs.
func grow(ctx context.Context, folder, keyFile, policyFile string, sizes []string) {
	key, err := os.ReadFile(keyFile)
	fail(err)
	policy, err := os.ReadFile(policyFile)
	fail(err)
	signer, err := note.NewSigner(strings.TrimSpace(string(key)))
	fail(err)
	witnesses, err := tessera.NewWitnessGroupFromPolicy(policy)
	fail(err)
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	fail(err)
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(256, 100*time.Millisecond).
		WithCheckpointInterval(time.Second).WithWitnesses(witnesses, &tessera.WitnessOptions{Timeout: 10 * time.Second})
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	fail(err)
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	n := 0
	for _, each := range sizes {
		var size int
		_, err := fmt.Sscan(each, &size)
		fail(err)
		futures := []tessera.IndexFuture{}
		for ; n < size; n++ {
			futures = append(futures, appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d of theirs", n))))
		}
		for _, future := range futures {
			_, _, err := awaiter.Await(ctx, future)
			fail(err)
		}
		raw, err := reader.ReadCheckpoint(ctx)
		fail(err)
		fmt.Printf("tessera: a head of %s, cosigned by the policy: %t\n", strings.Split(string(raw), "\n")[1], witnesses.Satisfied(raw))
	}
	fail(shutdown(ctx))
	raw, err := reader.ReadCheckpoint(ctx)
	fail(err)
	var head log.Checkpoint
	_, err = head.Unmarshal(raw)
	fail(err)
	builder, err := client.NewProofBuilder(ctx, head.Size, reader.ReadTile)
	fail(err)
	for _, index := range []uint64{0, head.Size / 2, head.Size - 1} {
		bundle, err := client.GetEntryBundle(ctx, reader.ReadEntryBundle, index/256, head.Size)
		fail(err)
		hashes, err := builder.InclusionProof(ctx, index)
		fail(err)
		made := tlogproof.TLogProof{Index: index, Checkpoint: raw}
		for _, each := range hashes {
			made.Hashes = append(made.Hashes, [sha256.Size]byte(each))
		}
		name := filepath.Join(folder, fmt.Sprintf("entry-%d", index))
		fail(os.WriteFile(name, bundle.Entries[index%256], 0o644))
		fail(os.WriteFile(name+".tlog-proof", made.Marshal(), 0o644))
	}
}

func cosigner(vkey string) note.Verifier {
	ed25519, err := cosignatures.NewVerifierForCosignatureV1(vkey)
	if err == nil {
		return ed25519
	}
	mldsa, err := cosignatures.NewMLDSAVerifier(vkey)
	fail(err)
	return mldsa
}

func servedProof(root *url.URL, path string) [][]byte {
	answer, err := http.Get(root.JoinPath(path).String())
	fail(err)
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	fail(err)
	var said struct{ Hashes [][]byte }
	fail(json.Unmarshal(data, &said))
	if answer.StatusCode != http.StatusOK {
		fail(fmt.Errorf("%s: %s", path, data))
	}
	return said.Hashes
}

func record(hashes [][]byte) tlog.RecordProof {
	made := tlog.RecordProof{}
	for _, each := range hashes {
		made = append(made, tlog.Hash(each))
	}
	return made
}

func leafHashes(data []byte) ([][]byte, error) {
	bundle := api.EntryBundle{}
	if err := bundle.UnmarshalText(data); err != nil {
		return nil, err
	}
	hashes := [][]byte{}
	for _, each := range bundle.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(each))
	}
	return hashes, nil
}

// tileReader gives x/mod's tile reader tiles of height 8 by the paths of C2SP tlog-tiles, which name no height.
type tileReader struct {
	ctx     context.Context
	fetcher *client.HTTPFetcher
}

func (t *tileReader) Height() int { return 8 }

func (t *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := [][]byte{}
	for _, each := range tiles {
		data, err := t.fetcher.ReadTile(t.ctx, uint64(each.L), uint64(each.N), uint8(each.W%256))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (t *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

func fail(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "FAILED: %v\n", err)
		os.Exit(1)
	}
}
