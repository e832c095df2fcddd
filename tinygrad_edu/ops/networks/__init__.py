"""Operations of neural networks: activations, costs, convolution, dropout, embeddings."""
