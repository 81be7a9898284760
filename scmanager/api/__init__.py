"""GraphQL and health over the read models and use cases."""
