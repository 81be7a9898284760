"""GraphQL over the read models, loopback only: queries, mutations for every verb, subscriptions."""
