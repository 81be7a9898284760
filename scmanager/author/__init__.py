"""What an author's machine does: writes his ledger, takes what is reported to him, releases what is counted."""
