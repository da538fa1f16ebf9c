"""Fine-tuning of BERT and ResNet50 on the training store's own products: the rare, scheduled path."""
